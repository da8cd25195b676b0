// Pictures of NASA GIBS below the map, asked of the network only while the user has switched them on.
/* global ol */
import { DEGREES, code, isPolar } from './geo.js';

const SERVER = 'https://gibs.earthdata.nasa.gov/wmts';
const LAYERS = {
  BlueMarble_NextGeneration: ['500m', 'jpeg'], BlueMarble_ShadedRelief_Bathymetry: ['500m', 'jpeg'],
};
// the tile matrix sets of both poles are one: 512 pixels a tile, 2 x 2 tiles of 8192 m a pixel at first
const POLAR = { origin: [-4194304, 4194304], first: 8192, levels: 5 };
const WORLD = { origin: [-180, 90], first: 0.5625, levels: 8 };

function source(layer, crs) {
  const polar = isPolar(crs), { origin, first, levels } = polar ? POLAR : WORLD, [set, kind] = LAYERS[layer];
  const projection = polar ? crs : code(DEGREES), name = projection.toLowerCase().replace(':', '');
  const tileGrid = new ol.tilegrid.TileGrid({
    origin, tileSize: 512, resolutions: [...Array(levels).keys()].map((z) => first / 2 ** z),
    extent: polar ? [-4194304, -4194304, 4194304, 4194304] : [-180, -90, 180, 90],
  });
  return new ol.source.TileImage({
    projection, tileGrid, interpolate: true, wrapX: !polar,
    tileUrlFunction: ([z, x, y]) => `${SERVER}/${name}/best/${layer}/default/${set}/${z}/${y}/${x}.${kind}`,
  });
}

export class Pictures {
  constructor(map, said) {
    this.layer = new ol.layer.Tile({ source: null, opacity: 0.8 });
    this.said = said;
    map.getLayers().insertAt(0, this.layer);
  }

  // the picture of a layer under a map; none where the layer is ''
  show(layer, crs) {
    const made = layer ? source(layer, crs) : null;
    if (made) made.on('tileloaderror', () => this.said('NASA GIBS does not answer; the map goes on without its picture.'));
    this.layer.setSource(made);
  }
}
