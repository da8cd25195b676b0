// A series or a profile: drawn with its errors, as a table, as CSV.
/* global uPlot */
import { element } from './form.js';
import { exact } from './layers.js';

const INK = '#0b4fa8';

// error bars, and a dot for each value
function bars(plot) {
  const { ctx } = plot, [xs, low, high, values] = plot.data;
  ctx.save();
  ctx.strokeStyle = INK;
  ctx.lineWidth = devicePixelRatio;
  xs.forEach((x, i) => {
    if (values[i] === null || low[i] === null) return;
    const at = plot.valToPos(x, 'x', true);
    ctx.beginPath();
    ctx.moveTo(at, plot.valToPos(low[i], 'y', true));
    ctx.lineTo(at, plot.valToPos(high[i], 'y', true));
    ctx.stroke();
  });
  ctx.restore();
}

// rows with `x`, `value`, `error`; time on the x axis where `time` says so
export function drawn(target, rows, { unit, time, chosen }) {
  const numbers = (of) => rows.map((row) => (Number.isFinite(of(row)) ? of(row) : null));
  const data = [rows.map((row) => row.x), numbers((r) => r.value - r.error), numbers((r) => r.value + r.error), numbers((r) => r.value)];
  const axis = { stroke: '#1a1a1a', grid: { stroke: '#e2e2e2', width: 1 }, ticks: { stroke: '#767676' } };
  return new uPlot({
    width: Math.max(260, target.clientWidth), height: 210, legend: { show: false }, cursor: { y: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    scales: { x: { time } },
    axes: [{ ...axis, label: time ? undefined : 'distance (km)' }, { ...axis, size: 62, label: unit || 'value', labelSize: 18 }],
    series: [{}, { show: true, stroke: 'transparent', points: { show: false } }, { show: true, stroke: 'transparent', points: { show: false } },
      { stroke: INK, width: 1.5, points: { show: true, size: 5, fill: INK } }],
    bands: [],
    hooks: { draw: [bars], setCursor: [(plot) => chosen && plot.cursor.idx !== null && chosen(plot.cursor.idx)] },
  }, data, target);
}

export function table(caption, heads, rows) {
  return element('div', { class: 'wide', tabindex: 0, role: 'region', 'aria-label': caption }, element('table', {},
    element('thead', {}, element('tr', {}, ...heads.map((text) => element('th', { scope: 'col', text })))),
    element('tbody', {}, ...rows.map((cells) => element('tr', {}, ...cells.map((text) => element('td', { text: typeof text === 'number' ? exact(text) : String(text) })))))));
}

// commas and quotes as RFC 4180 has them
export function csv(heads, rows) {
  const cell = (value) => { const text = typeof value === 'number' ? exact(value) : String(value); return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text; };
  return [heads, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

export function save(name, text) {
  const link = element('a', { download: name, href: URL.createObjectURL(new Blob([text], { type: 'text/csv' })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
