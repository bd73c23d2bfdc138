// Every local minimum of a ReLU net on points of a line: epbook/critical/relu_minima.py, whose compiled search
// runs here too; the ramps are those of ramps.py.
const PORTION = 10_000, TOLERANCE = 1e-9, EXACT = 1e-24;

function ramps(points) {
  const n = points.length, span = points[n - 1] - points[0], rows = [];
  const rays = [...points.map(p => points.map(x => Math.max(x - p, 0))),
    ...points.map(p => points.map(x => Math.max(p - x, 0)))];
  rows.push([[0, 2 * n - 1], span, -1, 1, [n, n + 1]]);
  for (let p = 0; p < n - 1; p++) {
    const width = points[p + 1] - points[p];
    rows.push([[p, p < n - 2 ? p + 1 : -1], width, -1, 1, [p, p + 1]]);
    rows.push([[n + p + 1, p > 0 ? n + p : -1], width, -1, 0, [p, p + 1]]);
  }
  for (let p = 0; p < n - 2; p++) rows.push([[p, -1], span, p, 1, [p, p]]);  // kinks on samples
  for (let p = 2; p < n; p++) rows.push([[n + p, -1], span, p, 0, [p, p]]);
  const steps = rows.map(([[ray]], r) => rays[ray].map(v => r === 0 || v > 0 ? 1 : 0));
  const whole = column => BigInt64Array.from(rows.flatMap(row => row[column]), BigInt);
  return {
    total: rows.length,
    arrays: [Float64Array.from(rays.flat()), whole(0), Float64Array.from(rows, row => row[1]),
      Float64Array.from(steps.flat()), Float64Array.from(rows, (_, r) => r ? -1 : 1), whole(2), whole(3), whole(4)],
  };
}

const choose = (n, k) => k === 0 ? 1 : choose(n - 1, k - 1) * n / k;

// [{loss, width}] by falling loss: complete, and the widths exact, up to `pieces` neurons.
export function reluMinima(k, pieces, x, y) {
  k.clear();
  const n = x.length, size = Math.max(...y.map(Math.abs)) || 1, target = y.map(v => v / size);
  const every = ramps(x.map(v => (v - x[0]) / (x[n - 1] - x[0])));
  const marks = [1, 2, 3, 4].map(i => target.map((_, j) => (i * (j + 1) * 0.6180339887498949) % 1));
  const placed = every.arrays.map(k.place), goal = k.place(Float64Array.from(target));
  const mark = k.place(Float64Array.from(marks.flat()));
  const keys = k.place(4 * PORTION), losses = k.place(PORTION);
  const widths = k.place(new Int16Array(PORTION)), choices = k.place(new Int16Array(PORTION * pieces));
  const signs = k.place(new Int8Array(PORTION * pieces)), chosen = k.place(pieces);
  const fits = [{
    sums: marks.map(row => row.reduce((sum, v, j) => sum + v * target[j], 0)),
    loss: target.reduce((sum, v) => sum + v * v, 0) / n, width: 0,
  }];
  for (let count = 1; count <= Math.min(pieces, every.total); count++) {
    k.read(chosen, count, BigInt64Array).set(Array.from({ length: count }, (_, i) => BigInt(i)));
    for (let left = choose(every.total, count); left > 0; left -= PORTION) {
      const found = k.call("fit_ramps", BigInt(n), BigInt(every.total), BigInt(count),
        BigInt(Math.min(left, PORTION)), ...placed, goal, mark, chosen, keys, losses, widths, choices, signs);
      const allKeys = k.read(keys, 4 * found), loss = k.read(losses, found);
      const width = k.read(widths, found, Int16Array);
      for (let i = 0; i < found; i++)
        fits.push({ sums: [...allKeys.subarray(4 * i, 4 * i + 4)], loss: loss[i], width: width[i] });
    }
  }
  return smallest(fits).map(({ loss, width }) => ({ loss: loss > EXACT ? loss * size * size : 0, width }))
    .sort((a, b) => b.loss - a.loss);
}

function smallest(fits) {  // for each output, known by its sums and its loss, the fit with the fewest neurons
  let groups = [fits];
  const keys = [0, 1, 2, 3].map(q => fit => fit.sums[q]);
  for (const key of [...keys, fit => fit.loss]) {
    const finer = [];
    for (const group of groups) {
      group.sort((a, b) => key(a) - key(b));
      group.forEach((fit, i) => {
        if (i && key(fit) - key(group[i - 1]) <= TOLERANCE) finer.at(-1).push(fit);
        else finer.push([fit]);
      });
    }
    groups = finer;
  }
  return groups.map(group => group.reduce((best, fit) => fit.width < best.width ? fit : best));
}
