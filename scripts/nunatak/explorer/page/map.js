// The map: views of both poles and a flat one, land, graticule, scale bar, outlines, what is drawn.
/* global ol */
import { DEGREES, carried, code, distance, fromDegrees, isPolar, register, ring, toDegrees, utm, utmOf, zone, zoned } from './geo.js';
import { decode } from './land.js';

const LAYERS = { 'EPSG:3413': 'north', 'EPSG:3031': 'south', [DEGREES]: 'world' };
const HOME = {
  'EPSG:3413': { center: [0, -600000], resolution: 6000 }, 'EPSG:3031': { center: [0, 0], resolution: 7000 },
  [DEGREES]: { center: [0, 30], resolution: 0.3 },
};
const NOTES = {
  'EPSG:3413': 'Land: Natural Earth. Projection EPSG:3413.',
  'EPSG:3031': 'Land: Natural Earth; its line is the grounding line, ice shelves are not land. Projection EPSG:3031.',
  utm: 'Land: Natural Earth. Projection',
  [DEGREES]: 'Land: Natural Earth. Longitude and latitude; areas and lengths are true ones.',
};
const COLOURS = {
  region: '#b34700', altimetry_region: '#7b3f9e', regions: '#005b8f', focus: '#1a1a1a',
  transect: '#00684a', gate: '#a0005a', flowline: '#0b4fa8', point: '#0b4fa8',
};
export const PRODUCT_COLOURS = ['#0b4fa8', '#00684a', '#a0005a', '#7a5c00', '#5b2a86'];
const stroke = (color, width, lineDash) => new ol.style.Stroke({ color, width, lineDash });
const writing = (text, color, more = {}) => new ol.style.Text({
  text, font: '12px system-ui, sans-serif', fill: new ol.style.Fill({ color }), stroke: stroke('#fff', 3), overflow: true, ...more,
});

const SHORE = new ol.style.Style({ fill: new ol.style.Fill({ color: '#e4e0d8' }), stroke: stroke('#7d776c', 0.7) });
const SHORE_ALONE = new ol.style.Style({ stroke: stroke('#ffb000', 0.9) });

function limits(crs) {
  if (isPolar(crs)) return { minResolution: 5, maxResolution: 16384 };
  if (crs === DEGREES) return { minResolution: 5e-5, maxResolution: 0.7, extent: [-540, -90, 540, 90], constrainOnlyCenter: true };
  return { minResolution: 1, maxResolution: 4000, extent: [-700000, -500000, 1700000, 10500000], constrainOnlyCenter: true };
}

export class Chart {
  constructor(target) {
    register();
    this.crs = 'EPSG:3413';
    const vector = (style, more = {}) => new ol.layer.Vector({ source: new ol.source.Vector({ wrapX: true }), style, ...more });
    this.land = new ol.layer.VectorImage({ source: new ol.source.Vector({ wrapX: true }), style: SHORE, imageRatio: 1.5 });
    this.grid = vector((feature) => new ol.style.Style({
      stroke: stroke('rgba(80,80,80,.35)', 0.7), text: writing(feature.get('label') || '', '#555', { placement: 'point' }),
    }));
    this.known = vector((feature) => new ol.style.Style({
      stroke: stroke(feature.get('kind') === 'study' ? '#005b8f' : '#8f99a5', 1.2, [5, 4]),
      text: writing(feature.get('name'), feature.get('kind') === 'study' ? '#005b8f' : '#5c6670'),
    }), { declutter: true });
    this.prints = vector((feature) => new ol.style.Style({ stroke: stroke(feature.get('color'), 0.8) }));
    this.drawn = vector((feature) => this.style(feature));
    this.map = new ol.Map({
      target, keyboardEventTarget: target, layers: [this.land, this.grid, this.known, this.prints, this.drawn],
      controls: ol.control.defaults.defaults({ attribution: false, rotate: false }),
    });
    this.map.on('moveend', () => { this.graticule(); this.scale(); });
    this.map.on('pointermove', (event) => this.point(event.coordinate));
    this.loading = {};
    this.left = {}; // where each map was left
  }

  style(feature) {
    const color = COLOURS[feature.get('role')] || '#1a1a1a';
    return new ol.style.Style({
      stroke: stroke(color, 2.2), fill: new ol.style.Fill({ color: `${color}${feature.get('role') === 'focus' ? '00' : '1a'}` }),
      image: new ol.style.Circle({ radius: 6, fill: new ol.style.Fill({ color }), stroke: stroke('#fff', 1.5) }),
      text: writing(feature.get('name') || feature.get('role').replace('_', ' '), color, { offsetY: -12 }),
    });
  }

  // show another map; the place in the middle and the size of a pixel stay where the new map has them
  async show(crs, place) {
    const old = this.map.getView(), center = this.ready && old.getCenter();
    let view = this.left[crs] || HOME[crs] || {};
    if (center) this.left[this.crs] = { center, resolution: old.getResolution() };
    const lonlat = place || (center && toDegrees(this.crs, center));
    if (crs === 'utm') crs = utmOf(lonlat);
    if (utm(crs)) zone(crs);
    const seen = { 'EPSG:3413': (lat) => lat > 35, 'EPSG:3031': (lat) => lat < -35, [DEGREES]: (lat) => Math.abs(lat) < 85 };
    if (lonlat && (seen[crs] || (() => true))(lonlat[1])) {
      const metres = this.crs === DEGREES ? old.getResolution() * 111000 : old.getResolution();
      view = { center: fromDegrees(crs, lonlat), resolution: crs === DEGREES ? metres / 111000 : metres };
    }
    this.crs = crs;
    this.ready = true;
    this.map.setView(new ol.View({
      projection: code(crs), ...view, ...limits(crs),
      enableRotation: false, constrainResolution: false, multiWorld: true, showFullExtent: true,
    }));
    document.getElementById('source').textContent = utm(crs) ? `${NOTES.utm} ${crs} (${utm(crs).name}).` : NOTES[crs];
    this.picture();
    await this.coast(crs);
  }

  // a picture below the land, whose areas are then left clear
  picture(layer = this.pictured) {
    this.pictured = layer;
    if (this.pictures) this.pictures.show(layer, this.crs);
    this.land.setStyle(layer ? SHORE_ALONE : SHORE);
  }

  async coast(crs) {
    const source = this.land.getSource();
    source.clear();
    delete this.map.getTargetElement().dataset.land;
    this.file ||= fetch('land.json').then((answer) => answer.json());
    const layer = LAYERS[crs] || LAYERS[DEGREES];
    this.loading[layer] ||= this.file.then((file) => decode(file.layers[layer]));
    if (utm(crs)) this.loading[crs] ||= this.loading[layer].then((polygons) => zoned(crs, polygons));
    else this.loading[crs] ||= this.loading[layer];
    const polygons = await this.loading[crs];
    if (crs !== this.crs) return;
    source.clear();
    source.addFeatures(polygons.map((rings) => new ol.Feature(new ol.geom.Polygon(rings))));
    this.map.getTargetElement().dataset.land = crs;
  }

  graticule() {
    const source = this.grid.getSource(), resolution = this.map.getView().getResolution();
    const degree = (this.crs === DEGREES ? 1 : 111000) / resolution; // pixels
    const step = [10, 5, 2, 1, 0.5, 0.2, 0.1].find((d) => d * degree < 260) || 0.1;
    const key = `${this.crs} ${step} ${step < 5 || !isPolar(this.crs) ? this.map.getView().calculateExtent().join() : ''}`;
    if (key === this.gridKey) return;
    this.gridKey = key;
    source.clear();
    const add = (points, label) => source.addFeature(new ol.Feature({ geometry: new ol.geom.LineString(points), label }));
    document.getElementById('pointer').textContent = '';
    const sign = this.crs === 'EPSG:3031' ? -1 : 1, polar = isPolar(this.crs);
    const [south, north, west, east] = this.window(step);
    const wide = polar ? Math.min(step * 3, 30) : step, name = (value, plus, minus) => `${+Math.abs(value).toFixed(1)}°${value < 0 ? minus : plus}`;
    for (let lat = Math.ceil(south / step) * step; lat <= north; lat += step) {
      if (Math.abs(lat) > 89.99) continue;
      const points = [];
      for (let lon = west; lon <= east + 1e-9; lon += (east - west) / 120) points.push(fromDegrees(this.crs, [lon, lat]));
      add(points, name(lat, 'N', 'S'));
    }
    for (let lon = Math.ceil(west / wide) * wide; lon <= east; lon += wide) {
      if (polar && west === -180 && lon === -180) continue;
      const end = polar && lon % 90 ? Math.min(88, 90 - step) : 90; // few meridians reach the pole
      const from = sign > 0 ? south : Math.max(south, polar ? -end : -90), to = sign > 0 && polar ? Math.min(north, end) : north;
      const along = [...Array(13).keys()].map((k) => fromDegrees(this.crs, [lon, from + ((to - from) * k) / 12]));
      if (to > from) add(along, name(lon, 'E', 'W'));
    }
  }

  // south, north, west and east of what is seen, on whole steps
  window(step) {
    if (step >= 5 && isPolar(this.crs)) return this.crs === 'EPSG:3413' ? [40, 90, -180, 180] : [-90, -40, -180, 180];
    const [left, bottom, right, top] = this.map.getView().calculateExtent(), seen = [];
    for (let i = 0; i <= 8; i += 1) for (let k = 0; k <= 8; k += 1) {
      seen.push(toDegrees(this.crs, [left + ((right - left) * i) / 8, bottom + ((top - bottom) * k) / 8]));
    }
    const lats = seen.map((p) => p[1]), at = utm(this.crs);
    const lons = seen.map((p) => (at ? at.middle + ((((p[0] - at.middle + 180) % 360) + 360) % 360) - 180 : p[0]));
    const [west, east] = [Math.min(...lons), Math.max(...lons)], round = isPolar(this.crs) && east - west > 180;
    return [Math.max(-90, Math.floor(Math.min(...lats) / step) * step), Math.min(90, Math.ceil(Math.max(...lats) / step) * step),
      round ? -180 : Math.floor(west / step) * step, round ? 180 : Math.ceil(east / step) * step];
  }

  // a bar of a round number of kilometres on the ground in the middle of the map
  scale() {
    const [width, height] = this.map.getSize() || [0, 0];
    if (!width || !this.map.getView().isDef()) return;
    const at = (x) => toDegrees(this.crs, this.map.getCoordinateFromPixel([x, height / 2]) || [0, 0]);
    const metres = distance(at(width / 2 - 60), at(width / 2 + 60)), most = metres * (200 / 120);
    const ten = 10 ** Math.floor(Math.log10(most)), length = [5, 2, 1].map((n) => n * ten).find((n) => n <= most);
    document.getElementById('scale-bar').style.width = `${(length / metres) * 120}px`;
    const text = document.getElementById('scale-text');
    text.textContent = length >= 1000 ? `${length / 1000} km` : `${length} m`;
    text.dataset.metres = String(length);
  }

  point(coordinate) {
    const [lon, lat] = toDegrees(this.crs, coordinate);
    if (!Number.isFinite(lon + lat) || Math.abs(lat) > 90) return;
    const metres = this.crs !== DEGREES ? `  x ${Math.round(coordinate[0])} y ${Math.round(coordinate[1])} m` : '';
    document.getElementById('pointer').textContent =
      `${Math.abs(lat).toFixed(4)}° ${lat < 0 ? 'S' : 'N'} ${Math.abs(lon).toFixed(4)}° ${lon < 0 ? 'W' : 'E'}${metres}`;
  }

  outlines(shapes) {
    const source = this.known.getSource();
    source.clear();
    for (const { polygons, name, kind } of shapes) {
      source.addFeature(new ol.Feature({ geometry: new ol.geom.MultiPolygon(polygons), name, kind }));
    }
  }

  // the footprints of a plan, each product in its colour
  footprints(products) {
    const source = this.prints.getSource();
    source.clear();
    products.forEach(({ lines }, i) => source.addFeature(
      new ol.Feature({ geometry: new ol.geom.MultiLineString(lines), color: `${PRODUCT_COLOURS[i % PRODUCT_COLOURS.length]}90` })));
  }

  // features of the drawings; those of another map are carried over and cannot be changed here
  drawings(list, shown) {
    const source = this.drawn.getSource();
    source.clear();
    list.forEach((drawing, index) => {
      const geometry = this.geometry(drawing, shown);
      if (!geometry) return;
      const feature = new ol.Feature({ geometry, role: drawing.role, name: drawing.name });
      feature.set('index', index);
      feature.set('editable', !drawing.spec && drawing.crs === this.crs);
      feature.set('box', drawing.form === 'box');
      source.addFeature(feature);
    });
  }

  geometry(drawing, shown) {
    if (drawing.spec) {
      const found = shown[drawing.role === 'regions' ? `regions.${drawing.name}` : drawing.role];
      return found && found.crs === this.crs ? new ol.geom.MultiPolygon(found.polygons) : null;
    }
    if (drawing.form === 'point') return new ol.geom.Point(carried(drawing.coordinates, drawing.crs, this.crs)[0]);
    if (drawing.form === 'line') return new ol.geom.LineString(carried(drawing.coordinates, drawing.crs, this.crs));
    const corners = ring(drawing);
    return new ol.geom.Polygon([carried([...corners, corners[0]], drawing.crs, this.crs)]);
  }

  fit() {
    const extent = this.drawn.getSource().getExtent();
    if (extent && Number.isFinite(extent[0])) this.map.getView().fit(extent, { padding: [60, 60, 60, 60], minResolution: this.crs === DEGREES ? 0.001 : 100 });
  }
}
