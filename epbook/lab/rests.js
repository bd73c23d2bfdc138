// Where a run rests, and whether that is a line that was there before, beyond what chance would give.

// On logarithmic axes: places where the loss falls by less than SLOW decades in a tenfold of time, for LONG
// tenfolds at least. {loss, step} is the slowest point of each. Below FLOOR there is nothing but rounding.
const SLOW = 0.03, LONG = 0.1, APART = 0.02, FLOOR = -9;

export function rests(run) {
  const shown = run.steps.map((_, i) => i).filter(i => run.steps[i] > 0 && run.losses[i] > 0);
  const time = shown.map(i => Math.log10(run.steps[i])), level = shown.map(i => Math.log10(run.losses[i]));
  const end = level.length - 1, found = [];
  const pace = level.map((_, i) => {
    const a = Math.max(i - 3, 0), b = Math.min(i + 3, end);
    return Math.abs((level[b] - level[a]) / (time[b] - time[a]));
  });
  for (let i = 0; i <= end; i++) {
    if (!(pace[i] <= SLOW) || level[i] < FLOOR) continue;
    let last = i, best = i;
    while (last < end && pace[last + 1] <= SLOW) last++;
    for (let q = i; q <= last; q++) if (pace[q] < pace[best]) best = q;
    const far = !found.length || Math.abs(found.at(-1).level - level[best]) > APART;
    if (time[last] - time[i] >= LONG && far)
      found.push({ level: level[best], loss: run.losses[shown[best]], step: run.steps[shown[best]], last: last === end });
    i = last;
  }
  return found;
}

// How near lies a line, and how easily would chance do that? For a loss drawn evenly on the logarithmic axis
// from WINDOW to either side of the rest: the probability to come as near to any of the lines. So a
// neighbourhood of many lines makes the demand strict. lines: ascending levels.
const WINDOW = 0.25, LUCK = 1e-3, DOUBT = 0.05;

export function chance(level, lines) {
  const off = Math.min(...lines.map(line => Math.abs(line - level)));
  let covered = 0, reached = level - WINDOW;
  for (const line of lines) {
    const from = Math.max(line - off, reached), to = Math.min(line + off, level + WINDOW);
    if (to > from) { covered += to - from; reached = to; }
  }
  return covered / (2 * WINDOW);
}

// A rest is on a line if chance would come as near with a probability below LUCK. The few lines of the
// narrowest nets are tried first; `known` + 1 tries, and each of them may be luck: so many times the chance.
// minima: [{loss, width}]. Returns [{…rest, chance, line: {level, width} or null, near: a line by which
// the rest is, if chance would come so near with a probability between LUCK and DOUBT}].
export function judged(run, minima, known) {
  const most = Math.min(run.m, known), lines = minima.filter(each => each.width <= most && each.loss > 0)
    .map(each => ({ level: Math.log10(each.loss), width: each.width })).sort((a, b) => a.level - b.level);
  return rests(run).map(rest => {
    let least = 1, line = null;
    for (let width = 0; width <= most; width++) {
      const few = lines.filter(each => each.width <= width);
      if (!few.length) continue;
      const luck = Math.min(1, (most + 1) * chance(rest.level, few.map(each => each.level)));
      if (luck >= least) continue;
      least = luck;
      line = few.reduce((a, b) => Math.abs(a.level - rest.level) <= Math.abs(b.level - rest.level) ? a : b);
    }
    return { ...rest, chance: least, line: least < LUCK ? line : null, near: least >= LUCK && least < DOUBT ? line : null };
  });
}

// The few lines with names: the zero function, and the best that 1, 2, … neurons can do.
export function named(minima, known) {
  const found = [];
  for (let width = 0; width <= known; width++) {
    const level = Math.log10(Math.min(...minima.filter(each => each.width <= width).map(each => each.loss)));
    if (level > FLOOR && (!found.length || level < found.at(-1).level - 1e-3))
      found.push({ level, width, name: width ? `best of ${width} neuron${width > 1 ? "s" : ""}` : "zero function" });
  }
  return found;
}
