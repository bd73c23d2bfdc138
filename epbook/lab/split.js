// Split a neuron of a net that rests in a minimum: the signs of the Hessian as α changes, and the escape
// beside its law, ½ |λ| κ² (1 + η |λ|)²ᵗ below the loss of the minimum, for a nudge κ along the way down.
import { element, slider } from "./controls.js";
import { derivatives, eigen } from "./curvature.js";
import { decades, frame, make, marks, minus, path, scientific, thousands } from "./plot.js";

const ALPHAS = Array.from({ length: 41 }, (_, i) => Number((-0.5 + i / 20).toFixed(2)));
const NUDGES = Array.from({ length: 9 }, (_, i) => 10 ** (-5 + i / 2));
// Of the largest eigenvalue: what is smaller is zero. Eigenvalues are known to some 1e-15 of it.
const ZERO = 1e-10, LEAST = -14, HIGHEST = 1;
const SIGNS = ["ep-lab-down", "ep-lab-flat", "ep-lab-up"];

function splitPoint({ hidden, out }, neuron, alpha) {
  const kept = out.map((a, j) => j === neuron ? (1 - alpha) * a : a);
  return { hidden: [...hidden, hidden[2 * neuron], hidden[2 * neuron + 1]], out: [...kept, alpha * out[neuron]] };
}

export function splitting(host, model, workers) {
  const [x, y, hidden, out] = ["x", "y", "hidden", "out"].map(name => [...model.get(name)]);
  const lr = model.get("lr"), steps = model.get("steps"), neuron = model.get("neuron");
  const state = { alpha: 0.5, nudge: 1e-3 };
  const top = host.appendChild(element("div", { class: "ep-lab-controls" }));
  const views = host.appendChild(element("div", { class: "ep-lab-views" }));
  const signs = frame(views, { title: "Which ways lead down? The curvatures", label: "Eigenvalues of the Hessian", xName: "direction", yName: "eigenvalue" });
  const size = 3 * (out.length + 1);
  signs.setX([0.4, size + 0.6], Array.from({ length: size }, (_, i) => [i + 1, i + 1]));
  const folded = v => Math.abs(v) < 1e-7 ? 0 : Math.sign(v) * (Math.log10(Math.abs(v)) + 7);
  signs.setY([-9, 10], [[-8, "-10"], [-5, "-0.01"], [0, "0"], [5, "0.01"], [8, "10"]]);
  make("path", { class: "ep-lab-zero", d: `M${signs.left} ${signs.sy(0)}H${signs.right}` }, signs.behind);
  const stems = SIGNS.map(name => make("path", { class: `ep-lab-stem ${name}` }, signs.inside));
  const heads = SIGNS.map(name => make("path", { class: `ep-lab-head ${name}` }, signs.inside));

  const escape = frame(views, { title: "How far below its old loss the net is", label: "The escape", xName: "training step", yName: "log₁₀ (old loss − loss)" });
  escape.setX([0, Math.log10(steps)], decades(0, Math.log10(steps)));
  escape.setY([LEAST, HIGHEST], marks(LEAST, HIGHEST, 6));
  const law = make("path", { class: "ep-lab-law" }, escape.inside), fall = make("path", { class: "ep-lab-net" }, escape.inside);

  const shape = frame(views, { title: "The function: at the split, and after", label: "The function before and after", xName: "input x", yName: "output y" });
  const edge = [Math.min(...x), Math.max(...x)], reach = 1.25 * Math.max(...y.map(Math.abs));
  shape.setX(edge, marks(...edge));
  shape.setY([-reach, reach], marks(-reach, reach));
  make("path", { class: "ep-lab-dots", d: x.map((v, i) => `M${shape.sx(v).toFixed(1)} ${shape.sy(y[i]).toFixed(1)}h0`).join("") }, shape.inside);
  const before = make("path", { class: "ep-lab-before" }, shape.inside), after = make("path", { class: "ep-lab-net" }, shape.inside);
  const words = views.appendChild(element("p", { class: "ep-lab-says", role: "status" }));
  const xs = Array.from({ length: 181 }, (_, i) => edge[0] + i / 180 * (edge[1] - edge[0]));
  const curve = ({ hidden: h, out: a }) => path(xs.map(shape.sx), xs.map(v => shape.sy([...a].reduce((sum, c, j) => sum + c * Math.tanh(h[2 * j] * v + h[2 * j + 1]), 0))));

  let ticket = 0, seen = 0;
  async function update() {
    const mine = ++ticket, { alpha, nudge } = state, point = splitPoint({ hidden, out }, neuron, alpha);
    const { loss, gradient, hessian } = derivatives(point, x, y), pairs = eigen(hessian);
    const largest = Math.max(...pairs.map(pair => Math.abs(pair.value)));
    const sign = value => Math.abs(value) <= ZERO * largest ? 1 : value < 0 ? 0 : 2;
    const kinds = pairs.map(pair => sign(pair.value)), counts = [0, 1, 2].map(kind => kinds.filter(each => each === kind).length);
    SIGNS.forEach((_, kind) => {
      const at = pairs.map((pair, i) => [signs.sx(i + 1).toFixed(1), signs.sy(folded(kind === 1 ? 0 : pair.value)).toFixed(1), kinds[i]]).filter(each => each[2] === kind);
      stems[kind].setAttribute("d", at.map(([px, py]) => `M${px} ${signs.sy(0)}V${py}`).join(""));
      heads[kind].setAttribute("d", at.map(([px, py]) => `M${px} ${py}h0`).join(""));
    });
    before.setAttribute("d", curve(point));
    const [{ value: lowest, vector }] = pairs, m = point.out.length;
    const from = { hidden: point.hidden.map((v, i) => v + nudge * vector[i]), out: point.out.map((v, j) => v + nudge * vector[2 * m + j]) };
    const task = { m, std: 0, seed: 0, x, y, lr, steps, pictures: 2, from, kernel: "advance_tanh" };
    const run = await workers.ask({ task }, { urgent: true, key: "escape" });
    if (!run || mine < seen) return;
    seen = mine;
    const drops = run.steps.map((step, i) => [step, loss - run.losses[i]]).filter(([step, drop]) => step && drop > 10 ** LEAST);
    fall.setAttribute("d", path(drops.map(([t]) => escape.sx(Math.log10(t))), drops.map(([, drop]) => escape.sy(Math.log10(drop)))));
    const down = kinds[0] === 0, foretold = t => Math.log10(0.5 * -lowest * nudge ** 2) + 2 * t * Math.log10(1 - lr * lowest);
    const laws = down ? run.steps.map(t => [t, foretold(t)]).filter(([t, level]) => t && level < HIGHEST) : [];
    law.setAttribute("d", path(laws.map(([t]) => escape.sx(Math.log10(t))), laws.map(([, level]) => escape.sy(level))));
    after.setAttribute("d", curve(run.shots.at(-1)));
    const end = run.losses.at(-1), slope = Math.max(...gradient.map(Math.abs));
    const number = element("span", { class: "ep-lab-counts" });
    ["down", "flat", "up"].forEach((way, kind) => number.append(kind ? " · " : "", element("b", {}, `${counts[kind]} ${way}`)));
    words.replaceChildren(number, `At α = ${minus(alpha.toFixed(2))} function and loss are as before: R = ${loss.toFixed(6)}, and no entry of the gradient is above ${scientific(slope)}. ` + (lr * largest > 2
        ? `But the largest curvature is ${largest.toFixed(0)}: steps of ${lr} overshoot, and the law does not hold.` : down
        ? `The steepest way down doubles its distance every ${thousands(Math.round(Math.LN2 / Math.log(1 - lr * lowest)))} steps; after ${thousands(steps)} steps R = ${end.toFixed(6)}.`
        : `A nudge along the flattest direction leads nowhere: after ${thousands(steps)} steps R = ${end.toFixed(6)}.`));
    escape.root.setAttribute("aria-label", words.textContent);
    signs.root.setAttribute("aria-label", `Eigenvalues: ${counts[0]} negative, ${counts[1]} zero, ${counts[2]} positive`);
    host.dataset.split = JSON.stringify({ alpha, counts, values: pairs.map(pair => pair.value), loss, end, drops, laws, mine });
  }
  const failed = error => { words.textContent = `The laboratory stopped: ${error.message}`; };
  slider(top, { label: "share α", values: ALPHAS, value: state.alpha, text: alpha => minus(alpha.toFixed(2)), changed: alpha => { state.alpha = alpha; update().catch(failed); } });
  slider(top, { label: "nudge κ", values: NUDGES, value: state.nudge, text: nudge => scientific(nudge, nudge.toExponential(1).startsWith("1.0") ? 0 : 1), changed: nudge => { state.nudge = nudge; update().catch(failed); } });
  update().catch(failed);
}
