// Plan and run: what a run would fetch and cost, how it goes, its report.
import { ask } from './ask.js';
import { element } from './form.js';
import { PRODUCT_COLOURS } from './map.js';

const $ = (id) => document.getElementById(id);
const size = (bytes) => (bytes >= 1e8 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`);

export class Runs {
  constructor(name, say, chart) {
    Object.assign(this, { name, say, chart });
    $('plan').addEventListener('click', () => this.start('plan'));
    $('run').addEventListener('click', () => this.start('run'));
    $('stop').addEventListener('click', () => ask('stop'));
    $('simulated').addEventListener('change', () => this.last());
  }

  async start(what) {
    if (!this.name()) {
      this.say('Save the study first: the workflow reads its file.');
      return;
    }
    try {
      await ask('run', { name: this.name(), what, simulated: $('simulated').checked });
      this.follow();
    } catch (error) {
      this.say(error.message);
    }
  }

  async follow() {
    const told = await ask('going');
    $('lines').hidden = !told.lines.length;
    $('lines').textContent = told.lines.join('\n');
    $('lines').scrollTop = $('lines').scrollHeight;
    $('stop').disabled = !told.going;
    $('plan').disabled = $('run').disabled = told.going;
    $('progress').hidden = !told.going;
    if (told.steps) Object.assign($('progress'), { max: told.steps, value: told.done });
    else $('progress').removeAttribute('value');
    this.links(told);
    if (told.going) {
      $('state').textContent = `${told.what} of ${told.name}${told.steps ? `: ${told.done} of ${told.steps} steps` : ' ...'}`;
      setTimeout(() => this.follow(), 700);
      return;
    }
    $('state').textContent = told.name ? `${told.what} of ${told.name} ${told.code === 0 ? 'is done' : 'ended with a mistake; it is told below'}` : '';
    if (told.what === 'plan' && told.code === 0) await this.last();
  }

  // the report and the results on a map, where there are any
  links(told) {
    for (const name of ['report', 'view']) {
      $(name).hidden = !told[name];
      if (told[name]) $(name).href = told[name];
    }
  }

  // the footprints of the last plan on the map that is shown
  async footprints() {
    const { crs } = this.chart, name = this.name();
    const { products } = name ? await ask('footprints', { name, crs, simulated: $('simulated').checked }) : { products: [] };
    if (crs !== this.chart.crs) return;
    this.chart.footprints(products);
    $('prints').replaceChildren(...products.map((product, i) => {
      const swatch = element('span', { class: 'swatch' }), less = product.drawn < product.granules;
      swatch.style.background = PRODUCT_COLOURS[i % PRODUCT_COLOURS.length];
      return element('li', {}, swatch, ` ${product.name}: ${less ? `the first ${product.drawn} of ` : ''}${product.granules} footprints`);
    }));
  }

  // the last plan of the study that is open, with its date
  async last() {
    $('cost').replaceChildren();
    await this.footprints();
    if (!this.name()) return;
    this.links(await ask('results', { name: this.name(), simulated: $('simulated').checked }));
    const plan = await ask('plan', { name: this.name(), simulated: $('simulated').checked });
    if (!plan.products) return;
    const years = [...new Set(Object.values(plan.products).flatMap((product) => Object.keys(product.years)))].sort();
    const rows = Object.entries(plan.products).map(([name, product]) => element('tr', {},
      element('th', { scope: 'row', text: name }), ...[product.granules, size(product.bytes), product.here,
        size(product.bytes_to_fetch), ...years.map((year) => product.years[year] || 0)].map((text) => element('td', { text: String(text) }))));
    const head = ['product', 'granules', 'size', 'here', 'to fetch', ...years].map((text) => element('th', { scope: 'col', text }));
    $('cost').append(element('p', { text: `Plan of ${plan.date}: ${size(plan.bytes_to_fetch)} to fetch, about ${plan.minutes} minutes.` }),
      element('div', { class: 'wide', tabindex: 0, role: 'region', 'aria-label': 'Granules by product and year' },
        element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...rows))));
  }
}
