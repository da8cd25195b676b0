// One map of the viewer: a layer painted in its own projection, its time, its colours.
/* global ol, proj4 */
import { decode } from './land.js';
import { Chart } from './map.js';

export class Pane extends Chart {
  constructor(target, index, views) {
    super(target);
    Object.assign(this, { index, views, crs: '', step: 0 });
    // two clicks at different places are two questions, no double click
    this.map.getInteractions().forEach((one) => one instanceof ol.interaction.DoubleClickZoom && one.setActive(false));
    this.source = new ol.source.ImageCanvas({ ratio: 1, interpolate: false, canvasFunction: (...of) => this.canvas(...of) });
    this.picture = new ol.layer.Image({ source: this.source });
    const line = new ol.style.Style({ stroke: new ol.style.Stroke({ color: '#4a463f', width: 0.8 }) });
    this.shore = new ol.layer.VectorImage({ source: this.land.getSource(), style: line, imageRatio: 1.5 });
    this.map.getLayers().insertAt(1, this.picture);
    this.map.getLayers().insertAt(2, this.shore);
  }

  canvas(extent, resolution, ratio, [width, height]) {
    const sheet = this.sheet ||= document.createElement('canvas'), context = sheet.getContext('2d');
    Object.assign(sheet, { width, height });
    if (this.layer && this.layer.codes) {
      const scale = ratio / resolution, { left, top, dx, dy, nx, ny } = this.layer;
      context.imageSmoothingEnabled = false;
      context.drawImage(this.layer.paint(this.step, this.index.palettes, this.index.missing.slice(1)),
        (left - extent[0]) * scale, (extent[3] - top) * scale, nx * dx * scale, ny * dy * scale);
    }
    return sheet;
  }

  async put(layer, step) {
    await layer.load();
    await this.show(layer.crs, layer.box);
    this.layer = layer;
    this.go(step);
  }

  go(step) {
    this.step = step;
    this.source.changed();
  }

  // the views are shared by the maps, so that both show the same place
  async show(crs, box) {
    if (crs === this.crs) return;
    this.crs = crs;
    const { land, outlines } = this.index.maps[crs];
    if (!this.views[crs]) {
      this.views[crs] = new ol.View({ projection: crs, center: [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], resolution: 1000, minResolution: 2, enableRotation: false });
      this.map.setView(this.views[crs]);
      this.views[crs].fit(box, { padding: [40, 40, 60, 40], size: this.map.getSize() });
    }
    this.map.setView(this.views[crs]);
    document.getElementById('source').textContent = `Land: Natural Earth${crs === 'EPSG:3031' || crs === 'EPSG:6932' ? '; its line is the grounding line' : ''}. Projection ${crs}.`;
    this.outlines(outlines.map((one) => ({ ...one, kind: 'study' })));
    const polygons = await decode(land), source = this.land.getSource();
    source.clear();
    source.addFeatures(polygons.map((rings) => new ol.Feature(new ol.geom.Polygon(rings))));
  }

  mark(points) {
    const source = this.drawn.getSource(), line = points.length > 1;
    source.clear();
    if (points.length) source.addFeature(new ol.Feature({ geometry: line ? new ol.geom.LineString(points) : new ol.geom.Point(points[0]), role: line ? 'transect' : 'point', name: ' ' }));
  }
}

export function define(maps) {
  for (const [crs, { proj4: definition }] of Object.entries(maps)) proj4.defs(crs, definition);
}
