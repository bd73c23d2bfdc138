// What became of a run, in a sentence.
import { minus, thousands } from "./plot.js";

const list = parts => parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
const level = rest => minus(rest.level.toFixed(4));

// Off at both ends of the points means off at all: such a neuron has no gradient and never comes back.
function dead({ hidden, out }, x) {
  const off = (j, at) => hidden[2 * j] * at + hidden[2 * j + 1] <= 0;
  return out.every((_, j) => off(j, x[0]) && off(j, x.at(-1)));
}

export function said(run, rests, lines, { lr, x }) {
  const who = `The net of width ${thousands(run.m)} (seed ${run.seed})`;
  if (run.diverged !== null)
    return `${who} diverged: its loss is no longer finite at step ${thousands(run.diverged)}. ` +
      `The step size ${lr} is too large for this start; take a smaller one.`;
  if (dead(run.shots[0], x))
    return `${who} is dead: from its start on every neuron is off at every point. Take another seed.`;
  if (dead(run.shots.at(-1), x))
    return `${who} is dead: every neuron came to be off at every point, where there is no gradient. Take another seed or a smaller step size.`;
  if (run.losses.at(-1) > run.losses[0])
    return `${who} ends with a larger loss than it began with: the step size ${lr} is too large to descend.`;
  if (!rests.length) return `${who} rests nowhere in ${thousands(run.steps.at(-1))} steps.`;
  const most = Math.min(run.m, lines.known), width = most === 1 ? "1 neuron" : `up to ${most} neurons`;
  const places = new Map();
  for (const rest of rests) {
    const line = rest.line ?? rest.near, name = line && lines.names.find(each => each.level === line.level)?.name;
    const which = name ? `the line “${name}”` : `a line of ${line?.width} neuron${line?.width > 1 ? "s" : ""}`;
    const where = rest.line ? `on ${which}` : !line ? `on no line of nets with ${width}`
      : `near ${which}, but luck comes so near once in ${thousands(Math.round(1 / rest.chance))} times`;
    places.set(where, [...(places.get(where) ?? []), level(rest)]);
  }
  const parts = [...places].map(([where, levels]) => `at ${list(levels)} ${where}`);
  return `${who} rests at log₁₀ loss: ${parts.join("; ")}.`.replace("loss: at ", "loss ");
}
