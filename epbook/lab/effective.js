// `epbook.effective_neurons` for one input and one output: neurons of equal orientation count as one.
const ANGLE = 0.05, AMPLITUDE = 0.01;

// Complete linkage on a circle: only neighbours can be the closest pair. Returns [{angle, amplitude}].
export function effective({ hidden, out }) {
  const units = [];
  for (let j = 0; j < out.length; j++) {
    const w = hidden[2 * j], b = hidden[2 * j + 1], norm = Math.hypot(w, b), amplitude = out[j] * norm;
    if (amplitude !== 0) units.push({ angle: Math.atan2(b, w), amplitude, size: Math.abs(amplitude), w: w / norm, b: b / norm });
  }
  units.sort((p, q) => p.angle - q.angle);
  let groups = units.map(unit => ({ from: unit.angle, to: unit.angle, members: [unit] }));
  const span = i => {
    const next = groups[(i + 1) % groups.length];
    return next.to + (i + 1 === groups.length ? 2 * Math.PI : 0) - groups[i].from;
  };
  while (groups.length > 1) {
    let best = 0, least = Infinity;
    for (let i = 0; i < groups.length; i++) if (span(i) < least) { least = span(i); best = i; }
    if (least > ANGLE) break;
    const next = (best + 1) % groups.length;
    groups[best].to += least - (groups[best].to - groups[best].from);
    groups[best].members.push(...groups[next].members);
    groups.splice(next, 1);
  }
  const merged = groups.map(({ members }) => {
    const sum = key => members.reduce((total, unit) => total + key(unit), 0);
    return { angle: Math.atan2(sum(u => u.size * u.b), sum(u => u.size * u.w)), amplitude: sum(u => u.amplitude) };
  });
  const largest = Math.max(...merged.map(group => Math.abs(group.amplitude)));
  return merged.filter(group => Math.abs(group.amplitude) > AMPLITUDE * largest);
}
