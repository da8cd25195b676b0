// The page: one state, which the form and the map show, and the study file that the server makes of it.
import { ask } from './ask.js';
import { Coverage } from './coverage.js';
import { Pen, ROLES, placed } from './draw.js';
import { element, mistakes, options, products } from './form.js';
import { utm } from './geo.js';
import { Pictures } from './gibs.js';
import { Chart } from './map.js';
import { Runs } from './runs.js';

const $ = (id) => document.getElementById(id);
const FIELDS = { name: 'name', title: 'title', archive: 'archive', directory: 'directory', months: 'months' };
const state = { name: '', title: '', archive: 'earthdata', directory: '', months: '', period: ['', ''], products: {}, drawings: [], further: {}, opened: '' };
let chart, pen, coverage, runs, choices, shown = {}, areas = {}, asked = 0, waiting;

const say = (text) => { $('said').textContent = text; };

function question(more = {}) {
  return { ...state, crs: chart.crs, ...more };
}

async function check() {
  document.body.dataset.pending = 'true';
  clearTimeout(waiting);
  waiting = undefined;
  const number = ++asked;
  let answer;
  try {
    answer = await ask('check', question());
  } catch (error) {
    say(error.message);
    delete document.body.dataset.pending;
    return;
  }
  if (number !== asked) return;
  $('text').textContent = answer.text;
  $('save').disabled = answer.mistakes.length > 0;
  $('file').textContent = answer.mistakes.length ? '' : `${answer.file}${answer.taken ? ' (is there)' : ''}`;
  $('commands').replaceChildren(...answer.commands.map(([command, meaning]) =>
    element('p', {}, element('code', { text: command }), ` ${meaning}`)));
  areas = answer.areas;
  Object.assign(shown, answer.shown);
  mistakes(answer.mistakes);
  list();
  paint();
  if (!waiting) delete document.body.dataset.pending;
}

function later() {
  if (coverage.seen) coverage.clear();
  document.body.dataset.pending = 'true';
  clearTimeout(waiting);
  waiting = setTimeout(check, 200);
}

function paint() {
  chart.drawings(state.drawings, shown);
  pen.arm();
}

function area(drawing) {
  const key = drawing.role === 'regions' ? `regions.${drawing.name}` : drawing.role, value = areas[key];
  return value === undefined ? '' : `${value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 2 : 0 })} km²`;
}

function list() {
  const held = document.activeElement && document.activeElement.dataset.drawing;
  if (held !== undefined) { // somebody types a name: only the areas change
    document.querySelectorAll('#drawings .area').forEach((span, i) => { span.textContent = area(state.drawings[i]); });
    return;
  }
  $('drawings').replaceChildren(...state.drawings.map((drawing, index) => {
    const title = ROLES[drawing.role][0], named = !['region', 'altimetry_region', 'focus'].includes(drawing.role);
    const field = element('input', { value: drawing.name, 'aria-label': `name of ${title} ${drawing.name}`, 'data-drawing': index });
    field.addEventListener('input', () => { drawing.name = field.value; later(); });
    return element('li', {}, element('span', { text: title }), ...(named ? [field] : []),
      element('span', { class: 'area', text: area(drawing) }),
      element('button', { type: 'button', text: 'Remove', 'aria-label': `Remove ${title} ${drawing.name}`,
        onclick: () => pen.edit((all) => all.filter((_, i) => i !== index)) }));
  }));
}

function fields() {
  for (const [key, id] of Object.entries(FIELDS)) $(id).value = state[key] || '';
  [$('first').value, $('last').value] = state.period;
  products($('products'), choices.products, () => state.products, later);
}

async function outlines() {
  const { crs } = chart;
  const answer = await ask('outlines', { crs });
  if (crs === chart.crs) chart.outlines(answer.outlines);
}

async function show(crs, place) {
  const covered = coverage.seen;
  coverage.clear();
  await chart.show(crs, place);
  const zone = utm(chart.crs);
  $('zone').textContent = zone ? zone.name : 'UTM';
  if (zone) Object.assign($('typed-utm'), { value: chart.crs, textContent: `x y of ${chart.crs} (m)`, hidden: false, disabled: false });
  await outlines();
  await runs.footprints();
  await check();
  if (covered) await coverage.show();
}

function form() {
  options($('form'), ROLES[$('role').value][1]);
}

function toggle() {
  if (pen.draw) {
    pen.stop();
    $('draw').setAttribute('aria-pressed', 'false');
    say('');
    return;
  }
  $('draw').setAttribute('aria-pressed', 'true');
  say('Click on the map; a double click ends a polygon or a line. Escape stops.');
  pen.start($('role').value, $('form').value, () => { $('draw').setAttribute('aria-pressed', 'false'); say(''); });
}

function type() {
  const points = $('typed').value.split('\n').filter((line) => line.trim())
    .map((line) => line.trim().split(/[\s,;]+/).map(Number));
  const form = $('form').value, least = { polygon: 3, box: 2, line: 2, point: 1 }[form];
  if (points.length < least || points.some((p) => p.length !== 2 || !p.every(Number.isFinite))) {
    say(`Type at least ${least} lines, each with two numbers.`);
    return;
  }
  const coordinates = form === 'box' ? points.slice(0, 2) : form === 'point' ? points.slice(0, 1) : points;
  pen.edit((all) => placed(all, { role: $('role').value, form, crs: $('typed-crs').value, coordinates }));
  say('Added.');
}

async function open() {
  const name = $('existing').value;
  if (!name) return;
  try {
    const answer = await ask('opened', { name });
    Object.assign(state, { title: '', directory: '', months: '', period: ['', ''], products: {}, drawings: [], further: {} },
      answer.state, { name, opened: name });
    shown = {};
    pen.history = [];
    fields();
    const first = chart.crs, best = answer.crs;
    if (best && best !== first) document.querySelector(`[name=map][value="${utm(best) ? 'utm' : best}"]`).checked = true;
    await show(best || first, answer.middle);
    chart.fit();
    runs.last();
    say(answer.mistakes.length ? `${name} has mistakes; they are shown, and nothing is written over it.` : `${name} is open.`);
  } catch (error) {
    say(error.message);
  }
}

async function save(replace) {
  try {
    const answer = await ask('save', question({ replace }));
    if (answer.saved) {
      state.opened = state.name;
      say(`Wrote ${answer.file}.`);
      choices = await ask('start');
      options($('existing'), choices.studies, 'a study');
      await Promise.all([check(), outlines()]);
      return;
    }
    $('ask-text').textContent = `${answer.file} is there already. Replace it?`;
    $('ask').showModal();
  } catch (error) {
    say(error.message);
  }
}

async function begin() {
  choices = await ask('start');
  chart = new Chart('map');
  chart.pictures = new Pictures(chart.map, say);
  pen = new Pen(chart, state, () => { list(); paint(); later(); });
  options($('role'), Object.entries(ROLES).map(([value, [text]]) => ({ value, text })));
  options($('archive'), choices.archives);
  options($('existing'), choices.studies, 'a study');
  options($('named'), choices.regions.map(({ name, title }) => ({ value: name, text: title })), 'a region');
  form();
  fields();
  $('role').addEventListener('change', form);
  for (const [key, id] of Object.entries(FIELDS)) $(id).addEventListener('input', () => { state[key] = $(id).value; later(); });
  ['first', 'last'].forEach((id, i) => $(id).addEventListener('input', () => { state.period[i] = $(id).value; later(); }));
  document.querySelectorAll('[name=map]').forEach((radio) => radio.addEventListener('change', () => show(radio.value)));
  $('picture').addEventListener('change', () => chart.picture($('picture').value));
  $('draw').addEventListener('click', toggle);
  $('undo').addEventListener('click', () => say(pen.undo() ? 'Undone.' : 'Nothing to undo.'));
  $('fit').addEventListener('click', () => chart.fit());
  $('add').addEventListener('click', type);
  $('open').addEventListener('click', open);
  $('take').addEventListener('click', () => {
    const name = $('named').value;
    if (name) pen.edit((all) => placed(all, { role: 'region', spec: { name } }));
  });
  $('load').addEventListener('click', () => {
    const polygon = $('outline').value.trim(), chosen = $('role').value, area = ROLES[chosen][1].includes('polygon');
    if (polygon) pen.edit((all) => placed(all, { role: area ? chosen : 'region', spec: { polygon } }));
  });
  $('save').addEventListener('click', () => save(false));
  $('ask-yes').addEventListener('click', () => { $('ask').close(); save(true); });
  $('ask-no').addEventListener('click', () => $('ask').close());
  coverage = new Coverage(chart, question, say);
  runs = new Runs(() => state.opened, say, chart);
  $('panel').addEventListener('submit', (event) => event.preventDefault());
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && pen.draw) toggle(); });
  await show('EPSG:3413');
  window.nunatak = { chart, state, pen, coverage }; // for the tests
  document.body.dataset.ready = 'true';
}

begin().catch((error) => say(error.message));
