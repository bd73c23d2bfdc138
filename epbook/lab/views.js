// Three pictures of a run: its loss among the lines, its neurons, and where many runs spend their time.
import { LOWEST, PER_DECADE } from "./bins.js";
import { element } from "./controls.js";
import { decades, frame, make, marks, minus, path, thousands } from "./plot.js";

export function lossView(host, steps) {
  const view = frame(host, { title: "The loss; dashed, where narrow nets rest", label: "Loss of the net", right: 304, xName: "training step", yName: "log₁₀ loss" });
  const time = Math.log10(steps), start = view.left;
  view.setX([0, time], decades(0, time));
  const ticks = make("path", { class: "ep-lab-ticks" }, view.behind), lines = make("path", { class: "ep-lab-lines" }, view.behind);
  const met = make("path", { class: "ep-lab-lines ep-lab-met" }, view.behind);
  const names = make("g", { class: "ep-lab-names", "aria-hidden": "true" }, view.behind);
  const future = make("path", { class: "ep-lab-future" }, view.inside), past = make("path", { class: "ep-lab-net" }, view.inside);
  const rings = make("g", { class: "ep-lab-rests" }, view.root), now = make("circle", { class: "ep-lab-now", r: 6, visibility: "hidden" }, view.root);
  let known = [], own = [], run = null, places = [];  // own: lines that have no name, and the run rests on them
  const x = step => view.sx(Math.log10(Math.max(step, 1))), y = level => view.sy(level);

  const scale = () => {
    const lowest = Math.min(...known.map(line => line.level), ...(run ? run.losses.map(v => Math.log10(Math.max(v, 1e-8))) : []));
    const highest = Math.max(...known.map(line => line.level), ...(run ? [Math.log10(run.losses[0])] : []));
    const range = [Math.max(Math.floor(lowest - 0.1), -8), Math.min(highest + 0.35, 6)];
    view.setY(range, marks(...range, 5));
  };
  const drawLines = minima => {
    const within = level => y(level) < view.floor - 1;
    const across = some => some.filter(line => within(line.level)).map(line => `M${start} ${y(line.level).toFixed(1)}H${view.right}`).join("");
    lines.setAttribute("d", across(known));
    met.setAttribute("d", across(own));
    ticks.setAttribute("d", minima.filter(each => each.loss > 0 && within(Math.log10(each.loss)))
      .map(each => `M${view.right - (each.width > 2 ? 6 : 12)} ${y(Math.log10(each.loss)).toFixed(1)}H${view.right}`).join(""));
    names.replaceChildren();
    let last = -Infinity;
    for (const line of [...known, ...own].sort((a, b) => b.level - a.level)) {
      last = Math.max(y(line.level) + 4, last + 14);
      if (last < view.floor) make("text", { x: view.right + 6, y: last, class: line.name ? "" : "ep-lab-met" }, names).textContent = line.name ?? `a minimum of ${line.width}`;
    }
  };
  let minima = [];
  return {
    setLines(all, names) { minima = all; known = names; scale(); drawLines(minima); },
    setRun(given, rests) {
      run = given;
      const levels = new Map(rests.filter(rest => rest.line).map(rest => [rest.line.level, rest.line]));
      own = [...levels.values()].filter(line => !known.some(each => each.level === line.level));
      scale();
      drawLines(minima);
      places = run.steps.map((step, i) => [x(step), y(Math.log10(Math.max(run.losses[i], 1e-12)))]).slice(1);
      rings.replaceChildren(...rests.map(rest => {
        const ring = make("circle", { cx: x(rest.step), cy: y(rest.level), r: 5.5, class: rest.line ? "ep-lab-on" : "ep-lab-off" });
        ring.dataset.step = rest.step;
        return ring;
      }));
    },
    at(step, loss) {
      const passed = run.steps.slice(1).filter(each => each <= step).length;
      past.setAttribute("d", path(places.slice(0, Math.max(passed, 1)).map(p => p[0]), places.slice(0, Math.max(passed, 1)).map(p => p[1])));
      future.setAttribute("d", path(places.slice(Math.max(passed - 1, 0)).map(p => p[0]), places.slice(Math.max(passed - 1, 0)).map(p => p[1])));
      for (const ring of rings.children) ring.toggleAttribute("hidden", Number(ring.dataset.step) > step);
      now.setAttribute("visibility", "visible");
      now.setAttribute("cx", x(step));
      now.setAttribute("cy", Math.min(y(Math.log10(Math.max(loss, 1e-12))), view.floor));
    },
    clear() { for (const each of [past, future]) each.removeAttribute("d"); rings.replaceChildren(); now.setAttribute("visibility", "hidden"); },
    say(text) { view.root.setAttribute("aria-label", text); },
  };
}

export function neuronsView(host) {
  const view = frame(host, { title: "The neurons: direction and strength", label: "Neurons", xName: "orientation", yName: "amplitude" });
  view.setX([-Math.PI, Math.PI], [[-Math.PI, "-π"], [-Math.PI / 2, "-π/2"], [0, "0"], [Math.PI / 2, "π/2"], [Math.PI, "π"]]);
  const zero = make("path", { class: "ep-lab-zero" }, view.inside), dots = make("path", { class: "ep-lab-dots" }, view.inside);
  const rings = make("g", { class: "ep-lab-rings" }, view.inside);
  return {
    // One scale for the whole run, so that neurons are seen to grow.
    setRun(groupsOfShots) {
      const most = 1.15 * Math.max(1e-3, ...groupsOfShots.flat().map(group => Math.abs(group.amplitude)));
      view.setY([-most, most], marks(-most, most, 5));
      zero.setAttribute("d", `M${view.left} ${view.sy(0)}H${view.right}`);
    },
    show(shot, groups) {
      if (!shot) { dots.removeAttribute("d"); rings.replaceChildren(); return; }
      const { hidden, out } = shot;
      let d = "";
      for (let j = 0; j < out.length; j++) {
        const w = hidden[2 * j], b = hidden[2 * j + 1];
        d += `M${view.sx(Math.atan2(b, w)).toFixed(1)} ${view.sy(out[j] * Math.hypot(w, b)).toFixed(1)}h0`;
      }
      dots.setAttribute("d", d);
      rings.replaceChildren(...groups.map(group => make("circle", { cx: view.sx(group.angle).toFixed(1), cy: view.sy(group.amplitude).toFixed(1), r: 7 })));
      view.root.setAttribute("aria-label", `${out.length} neurons, of ${groups.length} effective orientations: amplitudes ${groups.map(group => minus(group.amplitude.toFixed(2))).join(", ")}`);
    },
  };
}

const SHADES = 6, FAINTEST = -2.5;  // log10 of a share of the time: a bar of less is not drawn

export function spectrumView(host, widths) {
  const view = frame(host, { title: "Many runs: where they spend their steps", label: "Spectrum of losses: empty", xName: "log₁₀ loss", yName: "width m" });
  view.setX([LOWEST, 0], marks(LOWEST, 0, 5));
  view.setY([0, widths.length], widths.map((m, i) => [i + 0.5, thousands(m)]));
  const bars = Array.from({ length: SHADES }, (_, i) => make("path", { class: "ep-lab-bars", "fill-opacity": (i + 1) / SHADES }, view.inside));
  const lines = make("path", { class: "ep-lab-lines" }, view.behind);
  const edge = bin => view.sx(LOWEST + bin / PER_DECADE).toFixed(1), wide = (edge(1) - edge(0) + 0.4).toFixed(1);
  return {
    setLines(known) {
      lines.setAttribute("d", known.filter(line => line.level > LOWEST && line.level < 0).map(line => `M${view.sx(line.level).toFixed(1)} ${view.top}V${view.floor}`).join(""));
    },
    show(rows) {  // width -> {counts, runs}
      const d = Array(SHADES).fill(""), told = [];
      widths.forEach((m, i) => {
        const row = rows.get(m);
        if (!row) return;
        const total = row.counts.reduce((a, b) => a + b, 0), inBins = row.counts.slice(1, -1);
        const top = view.sy(i + 0.9).toFixed(1), tall = (view.sy(i + 0.1) - view.sy(i + 0.9)).toFixed(1);
        inBins.forEach((count, bin) => {
          const shade = Math.ceil((Math.log10(count / total) / -FAINTEST + 1) * SHADES);
          if (shade > 0) d[Math.min(shade, SHADES) - 1] += `M${edge(bin)} ${top}h${wide}v${tall}h-${wide}z`;
        });
        const most = inBins.indexOf(Math.max(...inBins));
        told.push(`${row.runs} of width ${m} mostly at ${minus((LOWEST + (most + 0.5) / PER_DECADE).toFixed(2))}`);
      });
      d.forEach((text, i) => bars[i].setAttribute("d", text));
      view.root.setAttribute("aria-label", `Spectrum of losses: ${told.join("; ") || "empty"}`);
    },
    buttons: view.figure.appendChild(element("div", { class: "ep-lab-row" })),
  };
}
