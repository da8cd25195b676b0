// Projections of the maps and lengths on the ellipsoid. Coordinates of a drawing stay those it was drawn in.
/* global ol, proj4 */
export const DEGREES = 'lonlat';
const DEFINITIONS = {
  'EPSG:3413': '+proj=stere +lat_0=90 +lat_ts=70 +lon_0=-45 +datum=WGS84 +units=m +no_defs',
  'EPSG:3031': '+proj=stere +lat_0=-90 +lat_ts=-71 +lon_0=0 +datum=WGS84 +units=m +no_defs',
};
const REACH = 4194304;
const UTM = /^EPSG:32([67])(\d\d)$/; // zones of the north and of the south

export function register() {
  for (const [crs, definition] of Object.entries(DEFINITIONS)) proj4.defs(crs, definition);
  ol.proj.proj4.register(proj4);
  for (const crs of Object.keys(DEFINITIONS)) ol.proj.get(crs).setExtent([-REACH, -REACH, REACH, REACH]);
}

export const code = (crs) => (crs === DEGREES ? 'EPSG:4326' : crs);
export const isPolar = (crs) => crs in DEFINITIONS;
const inMetres = (crs) => crs !== DEGREES;

// the UTM zone of a place in degrees
export function utmOf([lon, lat]) {
  const zone = Math.min(60, Math.floor((((lon + 180) % 360) + 360) % 360 / 6) + 1);
  return `EPSG:${(lat < 0 ? 32700 : 32600) + zone}`;
}

// what a UTM zone is called and where its middle lies, null for other maps
export function utm(crs) {
  const found = UTM.exec(crs);
  if (!found) return null;
  const zone = Number(found[2]), south = found[1] === '7';
  return { zone, south, middle: zone * 6 - 183, name: `UTM ${zone}${south ? 'S' : 'N'}` };
}

// make a UTM zone known to the map
export function zone(crs) {
  const { zone: number, south } = utm(crs);
  if (!proj4.defs(crs)) {
    proj4.defs(crs, `+proj=utm +zone=${number}${south ? ' +south' : ''} +datum=WGS84 +units=m +no_defs`);
    ol.proj.proj4.register(proj4);
    ol.proj.get(crs).setExtent([-700000, -500000, 1700000, 10500000]);
  }
}

// rings in degrees on the map of a UTM zone: what lies far from its meridian is drawn together, out of sight
export function zoned(crs, polygons, reach = 30) {
  const { middle } = utm(crs), out = [];
  for (const rings of polygons) {
    for (const turn of [-360, 0, 360]) {
      const off = (lon) => lon + turn - middle;
      if (!rings[0].some(([lon]) => Math.abs(off(lon)) < reach)) continue;
      out.push(rings.map((ring_) => ring_.map(([lon, lat]) =>
        fromDegrees(crs, [middle + Math.max(-reach, Math.min(reach, off(lon))), lat]))));
    }
  }
  return out;
}

export function toDegrees(crs, point) {
  return inMetres(crs) ? proj4(crs, 'WGS84', [...point]) : point;
}

export function fromDegrees(crs, point) {
  return inMetres(crs) ? proj4('WGS84', crs, [...point]) : point;
}

// the points of a line with further ones between, so that it keeps its course in another projection
export function dense(points, pieces = 24) {
  const out = [];
  for (let i = 0; i + 1 < points.length; i += 1) {
    const [[x0, y0], [x1, y1]] = [points[i], points[i + 1]];
    for (let k = 0; k < pieces; k += 1) out.push([x0 + ((x1 - x0) * k) / pieces, y0 + ((y1 - y0) * k) / pieces]);
  }
  out.push(points[points.length - 1]);
  return out;
}

export function carried(points, from, to) {
  if (from === to) return points;
  const there = dense(points).map((point) => fromDegrees(to, toDegrees(from, point)));
  if (inMetres(to)) return there;
  // on the map of the world a line goes the short way round and may leave the sheet
  for (let i = 1; i < there.length; i += 1) {
    while (there[i][0] - there[i - 1][0] > 180) there[i] = [there[i][0] - 360, there[i][1]];
    while (there[i][0] - there[i - 1][0] < -180) there[i] = [there[i][0] + 360, there[i][1]];
  }
  return there;
}

const A = 6378137, E2 = 0.00669437999014;
function inSpace([lon, lat]) {
  const l = (lon * Math.PI) / 180, p = (lat * Math.PI) / 180, n = A / Math.sqrt(1 - E2 * Math.sin(p) ** 2);
  return [n * Math.cos(p) * Math.cos(l), n * Math.cos(p) * Math.sin(l), n * (1 - E2) * Math.sin(p)];
}

// metres between two places in degrees; the chord bent to an arc, true to 0.3 % over a thousand kilometres
export function distance(a, b) {
  const [p, q] = [inSpace(a), inSpace(b)];
  const chord = Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
  return 2 * 6371000 * Math.asin(Math.min(1, chord / (2 * 6371000)));
}

export function ring(drawing) {
  if (drawing.form !== 'box') return drawing.coordinates;
  const [[x0, y0], [x1, y1]] = drawing.coordinates;
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}
