// The layers of a study (nunatak.explorer.stacks): blocks inflated when a layer is first shown, colours, exact values.
const DAY = 86400;

// numbers of a float32 as the shortest text that means the same float32
export const exact = (value) => {
  if (!Number.isFinite(value)) return '';
  for (let digits = 6; digits < 9; digits += 1) if (Math.fround(Number(value.toPrecision(digits))) === value) return String(Number(value.toPrecision(digits)));
  return String(Number(value.toPrecision(9)));
};

export function stamp(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, seconds % DAY ? 19 : 10);
}

export class Layer {
  constructor(about, store) {
    Object.assign(this, about, { about, store, canvas: null, painted: '' });
    this.n = Math.max(1, this.steps.length);
    this.look = this.standard();
  }

  // left, bottom, right, top
  get box() {
    return [this.left, this.top - this.ny * this.dy, this.left + this.nx * this.dx, this.top];
  }

  standard() {
    return { low: this.limits[0], high: this.limits[1], palette: this.palette, logarithmic: this.logarithmic };
  }

  async load() {
    this.loading ||= (async () => {
      const codes = await this.store.block(`${this.name}.codes`), { nx } = this;
      for (let at = 0; at < codes.length; at += nx) for (let i = at + 1; i < at + nx; i += 1) codes[i] += codes[i - 1];
      this.codes = codes;
    })();
    await this.loading;
    return this;
  }

  // the exact values; a study's largest stack is inflated only when somebody asks for a value
  async numbers() {
    this.reading ||= (async () => {
      const mask = await this.store.block(`${this.name}.cells`);
      this.place = new Int32Array(mask.length).fill(-1);
      let count = 0;
      mask.forEach((kept, i) => { if (kept) { this.place[i] = count; count += 1; } });
      this.values = unfolded(await this.store.block(`${this.name}.values`));
      this.errors = this.about.errors ? unfolded(await this.store.block(`${this.name}.errors`)) : null;
    })();
    await this.reading;
    return this;
  }

  // the value of each code
  meaning(code) {
    if (!this.logarithmic) return this.low + ((this.high - this.low) * code) / this.levels;
    return 10 ** (Math.log10(this.low) + ((Math.log10(this.high) - Math.log10(this.low)) * code) / this.levels);
  }

  paint(step, palettes, missing) {
    const key = JSON.stringify([step, this.look]);
    if (key === this.painted) return this.canvas;
    const colours = palettes[this.look.palette], { low, high } = this.look;
    const along = this.look.logarithmic ? (v) => Math.log(Math.max(v, 1e-12) / low) / Math.log(high / low) : (v) => (v - low) / (high - low);
    const table = new Uint32Array(256).fill(word(missing));
    for (let code = 0; code < 255; code += 1) {
      table[code] = word(colours[Math.round(Math.min(1, Math.max(0, along(this.meaning(code)))) * (colours.length - 1))]);
    }
    const size = this.nx * this.ny, from = step * size;
    this.canvas ||= Object.assign(document.createElement('canvas'), { width: this.nx, height: this.ny });
    this.image ||= new ImageData(this.nx, this.ny);
    const pixels = new Uint32Array(this.image.data.buffer);
    for (let i = 0; i < size; i += 1) pixels[i] = table[this.codes[from + i]];
    this.canvas.getContext('2d').putImageData(this.image, 0, 0);
    this.painted = key;
    return this.canvas;
  }

  // the cell with exact values at or next to a place; nothing outside the grid
  cell([x, y]) {
    const column = Math.floor((x - this.left) / this.dx), row = Math.floor((this.top - y) / this.dy);
    if (column < 0 || row < 0 || column >= this.nx || row >= this.ny) return null;
    const wide = Math.ceil(this.nx / this.every), high = Math.ceil(this.ny / this.every);
    const [c, r] = [Math.min(wide - 1, Math.round(column / this.every)), Math.min(high - 1, Math.round(row / this.every))];
    const x1 = this.left + (c * this.every + 0.5) * this.dx, y1 = this.top - (r * this.every + 0.5) * this.dy;
    return { place: this.place[r * wide + c], key: r * wide + c, x: x1, y: y1 };
  }

  at(cell, step) {
    const i = cell.place * this.n + step;
    return cell.place < 0 ? { value: NaN, error: NaN } : { value: this.values[i], error: this.errors ? this.errors[i] : NaN };
  }

  series(cell) {
    const steps = this.steps.length ? this.steps : [['', null, null]];
    return steps.map(([label, start, end], i) => ({ label, start, end, ...this.at(cell, i) }));
  }

  // the values along a line, each cell once, with the distance of its first point
  profile(points, step, distance) {
    const rows = [];
    let gone = 0, last = -1;
    const spacing = (Math.min(this.dx, this.dy) * this.every) / 4;
    for (let i = 0; i + 1 < points.length; i += 1) {
      const [a, b] = [points[i], points[i + 1]], length = distance(a, b);
      const pieces = Math.max(1, Math.ceil(Math.hypot(b[0] - a[0], b[1] - a[1]) / spacing));
      for (let k = 0; k <= pieces; k += 1) {
        const cell = this.cell([a[0] + ((b[0] - a[0]) * k) / pieces, a[1] + ((b[1] - a[1]) * k) / pieces]);
        if (cell && cell.key !== last) rows.push({ distance: gone + (length * k) / pieces, ...cell, ...this.at(cell, step) });
        last = cell ? cell.key : -1;
      }
      gone += length;
    }
    return rows;
  }

  // the granules behind a time: those whose own time lies in it, all where the time is an instant
  async behind(step) {
    this.names ||= this.store.block(this.granules).then((bytes) => JSON.parse(new TextDecoder().decode(bytes)));
    const all = await this.names, [, start, end] = this.steps[step] || [];
    return (end > start ? all.filter(([, first, last]) => last >= start && first < end) : all).map(([name]) => name);
  }
}

function word(hex) {
  const [r, g, b] = [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

function unfolded(bytes) {
  const n = bytes.length / 4, bits = new Uint32Array(n);
  for (let i = 0; i < n; i += 1) {
    const own = bytes[i] | (bytes[n + i] << 8) | (bytes[2 * n + i] << 16) | (bytes[3 * n + i] << 24);
    bits[i] = i ? own ^ bits[i - 1] : own;
  }
  return new Float32Array(bits.buffer);
}
