// The packed outline of land (nunatak.geometry.packed): base64, zlib, varints, differences of whole multiples of a quantum.
export const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

export async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function* numbers(bytes) {
  let value = 0, scale = 1;
  for (const byte of bytes) {
    value += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte < 0x80) {
      yield value % 2 ? -(value + 1) / 2 : value / 2;
      value = 0;
      scale = 1;
    }
  }
}

// polygons of a layer, each a list of closed rings
export async function decode({ data, quantum }) {
  const stream = numbers(await inflated(bytesOf(data))), next = () => stream.next().value;
  const polygons = [];
  let x = 0, y = 0;
  for (let left = next(); left > 0; left -= 1) {
    const rings = [];
    for (let count = next(); count > 0; count -= 1) {
      const ring = [];
      for (let n = next(); n > 0; n -= 1) {
        x += next();
        y += next();
        ring.push([x * quantum, y * quantum]);
      }
      ring.push(ring[0]);
      rings.push(ring);
    }
    polygons.push(rings);
  }
  return polygons;
}
