// Drawing and changing shapes with the pointer.
/* global ol */
import { ring } from './geo.js';

export const ROLES = {
  region: ['Region', ['polygon', 'box']], altimetry_region: ['Region of the altimetry', ['polygon', 'box']],
  regions: ['Further region', ['polygon', 'box']], focus: ['Focus', ['box']], transect: ['Transect', ['line']],
  flowline: ['Flowline, start', ['point']], point: ['Point', ['point']], gate: ['Gate', ['line']],
};
const ONE = ['region', 'altimetry_region', 'focus']; // there is only one of each
const KINDS = { polygon: 'Polygon', box: 'Circle', line: 'LineString', point: 'Point' };

export function placed(drawings, drawing) {
  const others = ONE.includes(drawing.role) ? drawings.filter((other) => other.role !== drawing.role) : drawings;
  if (ONE.includes(drawing.role)) return [...others, { ...drawing, name: '' }];
  const taken = others.filter((other) => other.role === drawing.role).map((other) => other.name);
  let number = taken.length + 1;
  while (taken.includes(`${drawing.role === 'regions' ? 'area' : drawing.role}${number}`)) number += 1;
  return [...others, { ...drawing, name: `${drawing.role === 'regions' ? 'area' : drawing.role}${number}` }];
}

export class Pen {
  constructor(chart, state, changed) {
    Object.assign(this, { chart, state, changed });
    this.history = [];
    this.snap = new ol.interaction.Snap({ source: chart.drawn.getSource(), pixelTolerance: 8 });
  }

  // what `change` makes of the drawings; undone by `undo`
  edit(change) {
    this.history.push(JSON.stringify(this.state.drawings));
    this.state.drawings = change(this.state.drawings);
    this.changed();
  }

  undo() {
    if (!this.history.length) return false;
    this.state.drawings = JSON.parse(this.history.pop());
    this.changed();
    return true;
  }

  start(role, form, done) {
    this.stop();
    const { map, crs } = this.chart;
    this.draw = new ol.interaction.Draw({
      type: KINDS[form], stopClick: true,
      ...(form === 'box' ? { geometryFunction: ol.interaction.Draw.createBox() } : {}),
    });
    this.draw.on('drawend', ({ feature }) => {
      const geometry = feature.getGeometry(), flat = geometry.getCoordinates();
      let coordinates = form === 'point' ? [flat] : form === 'line' ? flat : flat[0].slice(0, -1);
      if (form === 'box') coordinates = [coordinates[0], coordinates[2]];
      this.edit((drawings) => placed(drawings, { role, form, crs, coordinates }));
      setTimeout(() => { this.stop(); done(); }, 0);
    });
    map.addInteraction(this.draw);
    map.removeInteraction(this.snap);
    map.addInteraction(this.snap);
  }

  stop() {
    if (this.draw) this.chart.map.removeInteraction(this.draw);
    this.draw = null;
  }

  // make the vertices of the shapes of this map movable
  arm() {
    const { map, drawn } = this.chart;
    (this.modifiers || []).forEach((one) => map.removeInteraction(one));
    const of = (box) => new ol.Collection(drawn.getSource().getFeatures().filter((f) => f.get('editable') && f.get('box') === box));
    this.modifiers = [true, false].map((box) => {
      const one = new ol.interaction.Modify({
        features: of(box), deleteCondition: ol.events.condition.altKeyOnly,
        ...(box ? { insertVertexCondition: ol.events.condition.never } : {}),
      });
      one.on('modifyend', ({ features }) => features.forEach((feature) => this.moved(feature)));
      map.addInteraction(one);
      return one;
    });
    map.removeInteraction(this.snap);
    map.addInteraction(this.snap);
  }

  moved(feature) {
    const index = feature.get('index'), old = this.state.drawings[index], flat = feature.getGeometry().getCoordinates();
    let coordinates = old.form === 'point' ? [flat] : old.form === 'line' ? flat : flat[0].slice(0, -1);
    if (old.form === 'box') {
      const away = ring(old).map(([x, y], i) => Math.hypot(x - coordinates[i][0], y - coordinates[i][1]));
      const corner = away.indexOf(Math.max(...away));
      coordinates = [coordinates[corner], ring(old)[(corner + 2) % 4]];
    }
    if (JSON.stringify(coordinates) === JSON.stringify(old.coordinates)) return;
    this.edit((drawings) => drawings.map((one, i) => (i === index ? { ...one, coordinates } : one)));
  }
}
