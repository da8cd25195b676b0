// What lies over the region before anything is asked of an archive: tracks on the map, granules by product and year.
/* global ol */
import { ask } from './ask.js';
import { element } from './form.js';

const $ = (id) => document.getElementById(id);
const size = (bytes) => (bytes === null ? 'not known' : bytes >= 1e8 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(0)} MB`);

export class Coverage {
  constructor(chart, question, say) {
    Object.assign(this, { chart, question, say });
    this.layer = new ol.layer.Vector({
      source: new ol.source.Vector({ wrapX: true }), style: new ol.style.Style({ stroke: new ol.style.Stroke({ color: '#7a3b00', width: 1 }) }),
    });
    chart.map.addLayer(this.layer);
    $('cover').addEventListener('click', () => this.show());
  }

  clear() {
    this.layer.getSource().clear();
    $('covered').replaceChildren();
    this.seen = false;
  }

  async show() {
    this.clear();
    $('cover').disabled = true;
    try {
      this.told(await ask('coverage', this.question()));
    } catch (error) {
      this.say(error.message);
    } finally {
      $('cover').disabled = false;
    }
  }

  told(answer) {
    if (answer.lacking) {
      $('covered').replaceChildren(element('p', { class: 'mistake', text: answer.lacking.filter(Boolean).join(': ') }));
      return;
    }
    this.seen = true;
    this.layer.getSource().addFeature(new ol.Feature(new ol.geom.MultiLineString(answer.lines)));
    const years = Object.keys(answer.passes), sum = Object.values(answer.passes).reduce((a, b) => a + b, 0);
    const head = ['product', 'granules', 'size', 'minutes', 'here', ...years];
    const rows = answer.products.map((product) => element('tr', {}, element('th', { scope: 'row', text: product.name }),
      ...[product.granules, size(product.bytes), product.minutes ?? 'not known', product.here, ...years.map((year) => product.years[year] || 0)]
        .map((text) => element('td', { text: String(text) }))));
    $('covered').replaceChildren(
      element('p', { text: `${answer.tracks} reference tracks of ICESat-2 over the region, ${sum} passes in the period.` }),
      element('div', { class: 'wide', tabindex: 0, role: 'region', 'aria-label': 'Granules that the passes mean' },
        element('table', {}, element('thead', {}, element('tr', {}, ...head.map((text) => element('th', { scope: 'col', text })))),
          element('tbody', {}, ...rows))),
      element('p', { class: 'hint', text: 'Computed from the orbit, of typical whole granules at 20 MB/s; an archive may lack some. Plan asks it.' }));
  }
}
