// One net, watched at every step: epbook/training/descent.py and record.py, with the same blocks and bins.
import { BINS, LOWEST, PER_DECADE } from "./bins.js";
import { start } from "./start.js";

const BLOCK = 8192;
const EDGES = Float64Array.from({ length: BINS + 1 }, (_, i) => 10 ** (LOWEST + i / PER_DECADE));

function grid(steps, points = 400) {  // 0, 1, 2, … in even logarithmic distance up to `steps`
  const found = new Set([0]);
  for (let i = 0; i < points; i++) found.add(Math.round(steps ** (i / (points - 1))));
  return [...found];
}

function count(losses, counts) {  // a loss changes slowly: most fall into the bin of the last one
  let bin = 0, low = Infinity, high = -Infinity;
  for (const loss of losses) {
    if (!(loss >= low && loss < high)) {
      const place = Math.floor((Math.log10(loss) - LOWEST) * PER_DECADE);
      bin = Math.min(Math.max(place, -1), BINS) + 1;
      // Inside by a margin, so that the next loss in it has the same bin by its own logarithm.
      low = bin === 0 ? 0 : EDGES[bin - 1] * (1 + 1e-12);
      high = bin > BINS ? Infinity : EDGES[bin] * (1 - 1e-12);
    }
    counts[bin]++;
  }
}

// {m, seed, counts, steps, losses, diverged, shots: [{step, hidden, out}]}; x ascends. pictures: how many
// states are kept, at steps even in logarithmic distance, as `keep_at` does. from: a start other than the seed's.
export function train(k, { m, std, seed, x, y, lr, steps, pictures = 0, from = null, kernel = "advance" }) {
  k.clear();
  const n = x.length, begin = from ?? start(m, std, seed);
  const hidden = k.place(Float64Array.from(begin.hidden)), out = k.place(Float64Array.from(begin.out));
  const X = k.place(Float64Array.from(x)), Y = k.place(Float64Array.from(y)), losses = k.place(BLOCK);
  const state = () => ({ hidden: k.read(hidden, 2 * m).slice(), out: k.read(out, m).slice() });
  const put = ({ hidden: h, out: a }) => { k.read(hidden, 2 * m).set(h); k.read(out, m).set(a); };
  const advance = length =>
    k.call(kernel, hidden, out, X, Y, BigInt(m), BigInt(n), lr, losses, BigInt(length));
  const finite = () => k.read(hidden, 2 * m).every(Number.isFinite) && k.read(out, m).every(Number.isFinite);

  const counts = new Float64Array(BINS + 2), shown = grid(steps), curve = [], shots = [];
  const wanted = pictures ? grid(steps, pictures) : [];
  let diverged = null;
  for (let first = 0; first < steps && diverged === null; first += BLOCK) {
    const before = state(), length = Math.min(BLOCK, steps - first), done = advance(length);
    const seen = k.read(losses, done).slice(), after = state();
    count(seen, counts);
    while (curve.length < shown.length && shown[curve.length] < first + done)
      curve.push(seen[shown[curve.length] - first]);
    // A ReLU neuron whose weights are NaN is on nowhere and does not show in the loss.
    if (done < length || !finite()) diverged = first + done;
    // A state inside a block is found by running the block's beginning once more: no other numbers arise.
    for (; shots.length < wanted.length && wanted[shots.length] < first + done;) {
      const step = wanted[shots.length];
      put(before);
      if (step > first) advance(step - first);
      shots.push({ step, ...state() });
    }
    put(after);
  }
  if (diverged === null) {
    const last = state();
    if (pictures) shots.push({ step: steps, ...last });
    if (advance(1)) curve.push(k.read(losses, 1)[0]);  // the loss after the last step takes one more
    else diverged = steps;
    put(last);
  }
  return { m, seed, counts, steps: shown.slice(0, curve.length), losses: curve, diverged, shots };
}
