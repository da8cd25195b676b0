// The viewer of a study's results: maps, their times and colours, and the values at a place or along a line.
/* global ol */
import { element, options } from './form.js';
import { distance, fromDegrees, toDegrees } from './geo.js';
import { bytesOf, inflated } from './land.js';
import { Layer, stamp } from './layers.js';
import { Pane, define } from './pane.js';
import { csv, drawn, save, table } from './plots.js';

const $ = (id) => document.getElementById(id);
const say = (text) => { $('said').textContent = text; };

// where the layers come from: this very page, or the server that the address names
export function storeOf(here = $('index')) {
  if (here) {
    return { index: async () => JSON.parse(here.textContent), block: async (name) => inflated(bytesOf($(name).textContent)) };
  }
  const folder = `results/${encodeURIComponent(new URLSearchParams(location.search).get('of') || '')}`;
  const asked = async (name) => {
    const answer = await fetch(`${folder}/${name}`);
    if (!answer.ok) throw new Error(await answer.text());
    return answer;
  };
  return {
    index: async () => (await asked('index.json')).json(),
    block: async (name) => inflated(new Uint8Array(await (await asked(encodeURIComponent(name))).arrayBuffer())),
  };
}

// a map with its controls
class Side {
  constructor(letter, viewer) {
    this.viewer = viewer;
    this.letter = letter;
    this.pane = new Pane(`map-${letter}`, viewer.index, viewer.views);
    const id = (name) => `${name}-${letter}`, titles = viewer.layers.map((layer, i) => ({ value: String(i), text: layer.title }));
    this.choice = element('select', { id: id('layer') });
    options(this.choice, titles);
    this.slider = element('input', { type: 'range', id: id('time'), min: 0, step: 1 });
    this.label = element('output', { for: id('time'), id: id('label') });
    this.play = element('button', { type: 'button', 'aria-pressed': 'false', text: 'Play', id: id('play') });
    this.timeRow = element('p', { class: 'row' }, element('label', { for: id('time'), text: 'time' }), this.slider, this.label, this.play);
    this.bar = element('canvas', { width: 255, height: 1, class: 'bar', role: 'img', id: id('bar') });
    this.low = element('input', { id: id('low'), inputmode: 'decimal', 'aria-label': 'lowest value of the colours' });
    this.high = element('input', { id: id('high'), inputmode: 'decimal', 'aria-label': 'highest value of the colours' });
    this.palette = element('select', { id: id('palette'), 'aria-label': 'colours' });
    options(this.palette, Object.keys(viewer.index.palettes));
    this.log = element('input', { type: 'checkbox', id: id('log') });
    this.unit = element('span', { class: 'unit' });
    const swatch = element('span', { class: 'none' });
    swatch.style.background = viewer.index.missing;
    this.note = element('p', { class: 'hint' });
    $(`controls-${letter}`).append(
      element('p', { class: 'row' }, element('label', { for: id('layer'), text: letter === 'a' ? 'layer' : 'second layer' }), this.choice), this.timeRow,
      element('div', { class: 'legend' }, this.low, this.bar, this.high, this.unit),
      element('p', { class: 'row' }, this.palette, element('label', { for: id('log') }, this.log, ' logarithmic'),
        element('button', { type: 'button', text: 'Reset', onclick: () => this.dress(this.layer.standard()) }), swatch, element('span', { class: 'hint', text: 'no value' })),
      this.note);
    this.choice.addEventListener('change', () => this.put(Number(this.choice.value)));
    this.slider.addEventListener('input', () => this.go(Number(this.slider.value)));
    this.play.addEventListener('click', () => this.run(!this.timer));
    [this.low, this.high, this.palette, this.log].forEach((field) => field.addEventListener('change', () => this.dress({
      low: Number(this.low.value), high: Number(this.high.value), palette: this.palette.value, logarithmic: this.log.checked,
    })));
    this.pane.map.on('click', ({ coordinate }) => viewer.pen || viewer.at(this.pane.crs, [coordinate]));
    $(`map-${letter}`).addEventListener('keydown', ({ key }) => key === 'Enter' && viewer.at(this.pane.crs, [this.pane.map.getView().getCenter()]));
  }

  async put(number) {
    this.run(false);
    const layer = this.layer = this.viewer.layers[number];
    this.choice.value = String(number);
    document.body.dataset.pending = 'true';
    const last = Math.max(0, layer.steps.length - 1), first = Math.min(layer.newest, last);
    this.timeRow.hidden = !layer.steps.length;
    this.slider.max = last;
    this.play.disabled = !last;
    await this.pane.put(layer, first);
    this.unit.textContent = layer.unit;
    const step = layer.logarithmic ? `${(100 * (layer.meaning(1) / layer.meaning(0) - 1)).toPrecision(2)} %` : `${+(layer.meaning(1) - layer.meaning(0)).toPrecision(2)} ${layer.unit}`;
    this.note.textContent = `${layer.missing === 1 ? 'No cell has a value. ' : ''}Colours go by steps of ${step} from ${+layer.low.toPrecision(3)} to ${+layer.high.toPrecision(3)} ${layer.unit}; `
      + `values at a place are exact${layer.every > 1 ? `, and kept of one cell in ${layer.every} by ${layer.every}: the nearest answers` : ''}.`;
    this.go(first);
    this.dress(layer.look);
    delete document.body.dataset.pending;
    this.viewer.again();
  }

  go(step) {
    this.slider.value = step;
    this.pane.go(step);
    const label = (this.layer.steps[step] || [''])[0];
    this.label.textContent = label;
    this.slider.setAttribute('aria-valuetext', label);
    this.viewer.moved(this);
  }

  run(on) {
    clearInterval(this.timer);
    this.timer = on ? setInterval(() => this.go((this.pane.step + 1) % this.layer.n), 600) : 0;
    this.play.setAttribute('aria-pressed', String(on));
    this.play.textContent = on ? 'Pause' : 'Play';
  }

  dress(look) {
    const wrong = !(look.high > look.low) || (look.logarithmic && look.low <= 0);
    [this.low, this.high].forEach((field) => field.setAttribute('aria-invalid', String(wrong)));
    if (wrong) {
      say('The highest value must be above the lowest one, and logarithmic colours need values above 0.');
      return;
    }
    this.layer.look = look;
    [this.low.value, this.high.value, this.palette.value, this.log.checked] = [look.low, look.high, look.palette, look.logarithmic];
    const context = this.bar.getContext('2d'), colours = this.viewer.index.palettes[look.palette];
    colours.forEach((colour, i) => { context.fillStyle = `#${colour}`; context.fillRect(i, 0, 1, 1); });
    this.bar.setAttribute('aria-label', `colours from ${look.low} to ${look.high} ${this.layer.unit}${look.logarithmic ? ', logarithmic' : ''}`);
    this.pane.source.changed();
    say('');
  }
}

class Viewer {
  async begin(store) {
    this.index = await store.index();
    $('title').textContent = this.index.title;
    $('simulated').textContent = this.index.mark;
    $('simulated').hidden = !this.index.simulated;
    this.layers = this.index.layers.map((about) => new Layer(about, store));
    if (!this.layers.length) {
      say('This study has no result that can be shown on a map.');
      return;
    }
    define(this.index.maps);
    this.views = {};
    this.sides = [new Side('a', this)];
    ol.proj.proj4.register(proj4);
    document.querySelectorAll('[name=maps]').forEach((radio) => radio.addEventListener('change', () => this.arrange(radio.value)));
    $('divider').addEventListener('input', () => this.divide());
    $('all').addEventListener('click', () => this.fit());
    $('line').addEventListener('click', () => (this.pen ? this.stop() : this.draw()));
    document.addEventListener('keydown', ({ key }) => key === 'Escape' && this.stop());
    $('ask').addEventListener('submit', (event) => { event.preventDefault(); this.typed(); });
    await this.sides[0].put(0);
  }

  fit() {
    const { pane: { map }, layer } = this.sides[0];
    map.getView().fit(layer.box, { padding: [40, 40, 60, 40], size: map.getSize() });
  }

  async arrange(how) {
    const wide = [how, $('stage').dataset.maps].includes('beside');
    $('stage').dataset.maps = how;
    $('divide').hidden = how !== 'swipe';
    $('controls-b').hidden = $('map-b').hidden = how === 'one';
    if (how !== 'one' && !this.sides[1]) {
      this.sides.push(new Side('b', this));
      const { crs } = this.sides[0].layer, other = this.layers.findIndex((layer, i) => i > 0 && layer.crs === crs);
      await this.sides[1].put(Math.max(0, other));
    }
    this.divide();
    this.sides.forEach(({ pane }) => pane.map.updateSize());
    if (wide) this.fit();
  }

  divide() {
    $('map-b').style.clipPath = $('stage').dataset.maps === 'swipe' ? `inset(0 0 0 ${$('divider').value}%)` : '';
  }

  shown() {
    return $('stage').dataset.maps === 'one' ? this.sides.slice(0, 1) : this.sides;
  }

  draw() {
    const { pane } = this.sides[0];
    this.pen = new ol.interaction.Draw({ type: 'LineString', stopClick: true });
    this.pen.on('drawend', ({ feature }) => { this.at(pane.crs, feature.getGeometry().getCoordinates()); setTimeout(() => this.stop(), 300); });
    pane.map.addInteraction(this.pen);
    $('line').setAttribute('aria-pressed', 'true');
    say('Click on the map; a double click ends the line. Escape stops.');
  }

  stop() {
    if (this.pen) this.sides[0].pane.map.removeInteraction(this.pen);
    this.pen = null;
    $('line').setAttribute('aria-pressed', 'false');
    say('');
  }

  typed() {
    const points = $('places').value.split(';').map((pair) => pair.trim().split(/[\s,]+/).map(Number));
    if (points.some((p) => p.length !== 2 || !p.every(Number.isFinite) || Math.abs(p[1]) > 90)) {
      say('Type longitude and latitude in degrees, such as 24 79.7; further places after a semicolon.');
      return;
    }
    const { crs } = this.sides[0].pane;
    this.at(crs, points.map((point) => fromDegrees(crs, point)));
  }

  // show the values at a place, or along a line
  async at(crs, points) {
    this.chosen = { crs, points };
    await this.again();
  }

  async again() {
    if (!this.chosen) return;
    document.body.dataset.pending = 'true';
    const { crs, points } = this.chosen, parts = [];
    for (const side of this.shown()) {
      const there = points.map((point) => (crs === side.pane.crs ? point : fromDegrees(side.pane.crs, toDegrees(crs, point))));
      side.pane.mark(there);
      await side.layer.numbers();
      parts.push(points.length > 1 ? this.profile(side, there) : await this.series(side, there[0]));
    }
    $('values').replaceChildren(...parts.map(({ node }) => node));
    parts.forEach(({ plot }) => plot && plot());
    delete document.body.dataset.pending;
  }

  // a profile follows the slider of its map
  moved() {
    if (this.chosen && this.chosen.points.length > 1) this.again();
  }

  about({ layer }, crs) {
    return [layer.unit, crs.replace('EPSG:', ''), layer.title, this.index.study, this.index.source];
  }

  async series(side, point) {
    const { layer, pane } = side, cell = layer.cell(point), where = toDegrees(pane.crs, point);
    const title = `${layer.title} at ${place(where)}`;
    if (!cell || cell.place < 0) return { node: (this.last = { rows: [] }) && element('section', {}, element('h2', { text: title }), element('p', { text: cell ? 'There is no value here.' : 'This place lies outside the layer.' })) };
    const rows = layer.series(cell), [lon, lat] = toDegrees(pane.crs, [cell.x, cell.y]), timed = layer.steps.length > 0;
    const heads = ['time_start', 'time_end', 'value', 'error', 'x', 'y', 'longitude', 'latitude', 'unit', 'epsg', 'layer', 'study', 'source'];
    const lines = () => rows.map((row) => [timed ? stamp(row.start) : '', timed ? stamp(row.end) : '', row.value, row.error, String(cell.x), String(cell.y), lon.toFixed(6), lat.toFixed(6), ...this.about(side, pane.crs)]);
    const graph = element('div', { class: 'graph', role: 'img', 'aria-label': `${title}; the table below has the same numbers` });
    const names = element('details', {}, element('summary', { text: 'granules behind' }), element('ul', { class: 'names' }));
    const tell = async (step) => {
      const list = await layer.behind(step), label = timed ? ` ${rows[step].label}` : '';
      names.firstChild.textContent = `granules behind${label}: ${list.length}`;
      names.lastChild.replaceChildren(...list.map((text) => element('li', { text })));
    };
    await tell(side.pane.step);
    const node = element('section', {}, element('h2', { text: title }),
      ...(timed ? [graph] : []), table(title, ['time', `value (${layer.unit || '1'})`, 'error'], rows.map((row) => [row.label, row.value, row.error])),
      element('button', { type: 'button', text: 'CSV', 'aria-label': `CSV of ${title}`, onclick: () => save(`${this.index.study}_${layer.name}.csv`, csv(heads, lines())) }), names);
    this.last = { rows, cell, csv: () => csv(heads, lines()) };
    return { node, plot: timed && (() => drawn(graph, rows.map((row) => ({ ...row, x: (row.start + row.end) / 2 })), { unit: layer.unit, time: true, chosen: tell })) };
  }

  profile(side, points) {
    const { layer, pane } = side, metres = (a, b) => distance(toDegrees(pane.crs, a), toDegrees(pane.crs, b));
    const rows = layer.profile(points, pane.step, metres), when = (layer.steps[pane.step] || [''])[0], title = `${layer.title}${when ? `, ${when}` : ''}, along the line`;
    const heads = ['distance_m', 'value', 'error', 'x', 'y', 'longitude', 'latitude', 'time', 'unit', 'epsg', 'layer', 'study', 'source'];
    const lines = () => rows.map((row) => [row.distance.toFixed(1), row.value, row.error, String(row.x), String(row.y), ...toDegrees(pane.crs, [row.x, row.y]).map((v) => v.toFixed(6)), when, ...this.about(side, pane.crs)]);
    const graph = element('div', { class: 'graph', role: 'img', 'aria-label': `${title}; the CSV has the same numbers` });
    const node = element('section', {}, element('h2', { text: title }), graph,
      element('button', { type: 'button', text: 'CSV', 'aria-label': `CSV of ${title}`, onclick: () => save(`${this.index.study}_${layer.name}_profile.csv`, csv(heads, lines())) }));
    this.last = { rows, csv: () => csv(heads, lines()) };
    return { node, plot: () => rows.length && drawn(graph, rows.map((row) => ({ ...row, x: row.distance / 1000 })), { unit: layer.unit, time: false }) };
  }
}

const place = ([lon, lat]) => `${Math.abs(lat).toFixed(4)}° ${lat < 0 ? 'S' : 'N'} ${Math.abs(lon).toFixed(4)}° ${lon < 0 ? 'W' : 'E'}`;

const viewer = new Viewer();
window.nunatak = viewer; // for the tests
viewer.begin(storeOf()).catch((error) => say(error.message)).finally(() => { document.body.dataset.ready = 'true'; });
