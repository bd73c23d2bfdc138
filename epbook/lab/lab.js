// The laboratory: points, lines, one net at a time, and many at once. `model` has x, y, the settings, and
// may be that of a live kernel (anywidget) or the page's own; whatever is dragged is written back to it.
import { button, element, player, select, slider, whole } from "./controls.js";
import { effective } from "./effective.js";
import { minus, raised, thousands } from "./plot.js";
import { pointsView } from "./points.js";
import { judged, named } from "./rests.js";
import { lossView, neuronsView, spectrumView } from "./views.js";
import { said } from "./words.js";

const WIDTHS = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000];
const POWERS = Array.from({ length: 31 }, (_, i) => i / 10), ROWS = [1, 2, 3, 10, 30, 100];
const RATES = Array.from({ length: 41 }, (_, i) => Number((10 ** (-3 + i / 10)).toPrecision(2)));
const PICTURES = 100, REST = 250, ATTEMPTS = [10, 100];

// Targets at u in [0, 1], the relative place along the line; between 0 and 1 themselves.
const TASKS = {
  "a corner": u => Math.max(0, 2 * u - 1),
  "a step": u => u > 0.5 ? 1 : 0,
  "a wave": u => 0.5 - 0.5 * Math.cos(4 * Math.PI * u),
  "a hat": u => Math.max(0, 1 - Math.abs(4 * u - 2)),
};

export function laboratory(host, model, workers) {
  const x = [...model.get("x")], given = [...model.get("y")], brief = model.get("brief"), steps = model.get("steps");
  const state = { x, y: [...given], m: model.get("width"), power: model.get("power"), lr: model.get("lr"), seed: model.get("seed"), at: Infinity };
  const top = host.appendChild(element("div", { class: "ep-lab-controls" }));
  const views = host.appendChild(element("div", { class: "ep-lab-views" }));
  const below = host.appendChild(element("div", { class: "ep-lab-controls ep-lab-time" }));
  const words = host.appendChild(element("p", { class: "ep-lab-says", role: "status" }));

  const early = brief ? lossView(views, steps) : null;  // what a phone shows first
  const points = pointsView(views, { x, y: state.y, moved });
  const loss = early ?? lossView(views, steps), neurons = brief ? null : neuronsView(views), many = brief ? null : spectrumView(views, ROWS);

  // Answers come late, and in any order: each belongs to a version of the points and of the settings.
  let data = 0, ticket = 0, shown = 0, timer = 0, run = null, runOf = -1, lines = null, linesOf = -1;

  async function train(moving = false) {
    const mine = ++ticket, of = data, begin = performance.now();
    const task = { m: state.m, std: state.m ** -state.power, seed: state.seed, x, y: [...state.y], lr: state.lr, steps, pictures: moving ? 2 : PICTURES };
    const result = await workers.ask({ task }, { urgent: true, key: "run" });
    if (!result || mine < shown) return;
    [shown, run, runOf] = [mine, result, of];
    run.groups = run.shots.map(effective);
    run.waited = performance.now() - begin;
    if (moving) state.at = Infinity;
    neurons?.setRun(run.groups);
    judge();
    draw();
    host.dataset.run = mine;
    host.dataset.waited = run.waited.toFixed(0);
  }
  async function find(pieces) {
    const of = data, result = await workers.ask({ pieces, x, y: [...state.y] }, { urgent: true, key: "lines" });
    if (!result || of < linesOf || (of === linesOf && lines.known > pieces)) return;
    [lines, linesOf] = [{ known: pieces, minima: result.filter(each => each.width <= pieces) }, of];
    lines.names = named(lines.minima, pieces);
    loss.setLines(lines.minima, lines.names);
    many?.setLines(lines.names);
    judge();
    host.dataset.lines = pieces;
  }
  function judge() {
    if (!run || !lines) return;
    const rests = runOf === linesOf && run.diverged === null ? judged(run, lines.minima, lines.known) : [];
    loss.setRun(run, rests);
    words.textContent = said(run, rests, lines, state);
    loss.say(`Loss of the net. ${words.textContent}`);
    host.dataset.rests = JSON.stringify(rests);
    draw();
  }
  function draw() {
    if (!run || !lines) return;
    const last = run.shots.length - 1, at = Math.min(state.at, last), shot = run.shots[at];
    points.show(shot, run.groups[at]);
    neurons?.show(shot, run.groups[at]);
    const step = shot ? shot.step : run.steps.at(-1) ?? 0;
    const place = run.steps.reduce((best, each, i) => Math.abs(each - step) < Math.abs(run.steps[best] - step) ? i : best, 0);
    if (run.losses.length) loss.at(step, run.losses[place]); else loss.clear();
    clock.max = Math.max(last, 0);
    clock.value = Math.max(at, 0);
    clock.setAttribute("aria-valuetext", `step ${thousands(step)}, log loss ${minus(Math.log10(run.losses[place]).toFixed(2))}`);
    told.textContent = thousands(step);
  }

  function changed(next, { anew = false, tell = true } = {}) {  // other points
    state.y = [...next];
    data++;
    if (anew) points.set(state.y, true);
    if (many) { workers.drop(); clearRows(); }
    train(true);
    find(2);
    clearTimeout(timer);
    timer = setTimeout(() => {  // the hand rests
      train();
      find(3);
      if (tell) { model.set("y", [...state.y]); model.save_changes(); }
    }, REST);
  }
  function moved(next) { playing.stop(); changed(next); }
  function settings() { playing.stop(); state.at = Infinity; train(); }

  if (!brief) select(top, { label: "points", options: ["as given", ...Object.keys(TASKS)], changed: name => {
    const task = TASKS[name];
    playing.stop();
    changed(task ? x.map(v => task((v - x[0]) / (x.at(-1) - x[0]))) : given, { anew: true });
  } });
  slider(top, { label: "width", values: WIDTHS, value: state.m, text: m => brief ? `${thousands(m)} neuron${m > 1 ? "s" : ""}` : `m = ${thousands(m)}`, changed: m => { state.m = m; begin?.show(); settings(); } });
  const begin = brief ? null : slider(top, { label: "start", values: POWERS, value: state.power, text: p => `m${raised(-p || 0)} = ${(state.m ** -p).toPrecision(2)}`, changed: p => { state.power = p; settings(); } });
  if (!brief) slider(top, { label: "step size", values: RATES, value: state.lr, text: lr => String(lr), changed: lr => { state.lr = lr; settings(); } });
  const seed = whole(top, { label: "seed", value: state.seed, changed: value => { state.seed = value; settings(); } });
  button(seed.row, "next", () => {
    seed.input.value = ++state.seed;
    settings();
  }).setAttribute("aria-label", "next seed");

  const playing = player(below, {
    count: () => run ? run.shots.length : 1,
    show: at => { host.classList.add("ep-lab-playing"); state.at = at; draw(); },
    ended: () => host.classList.remove("ep-lab-playing"),
  });
  const clock = element("input", { type: "range", min: 0, max: PICTURES, step: 1, "aria-label": "training step", autocomplete: "off" });
  const told = element("output", {}, "0");
  clock.addEventListener("input", () => { playing.stop(); state.at = Number(clock.value); draw(); });
  below.append(clock, element("span", { class: "ep-lab-step" }, "step ", told));

  let rows = new Map(), round = 0;
  function clearRows() {
    round++;
    rows = new Map();
    many.show(rows);
    for (const [i, each] of fills.entries()) each.textContent = `${ATTEMPTS[i]} runs each`;
  }
  function fill(attempts, own) {  // row by row, the narrow nets first
    workers.drop();
    clearRows();
    const mine = round, total = ROWS.length * attempts, since = performance.now();
    let done = 0, waits = false;
    for (const m of ROWS) for (let attempt = 0; attempt < attempts; attempt++) {
      const task = { m, std: m ** -state.power, seed: attempt, x, y: [...state.y], lr: state.lr, steps };
      workers.ask({ task }).then(result => {
        if (!result || mine !== round) return;
        const row = rows.get(m) ?? { counts: new Float64Array(result.counts.length), runs: 0 };
        result.counts.forEach((count, i) => { row.counts[i] += count; });
        row.runs++;
        rows.set(m, row);
        done++;
        if (waits) return;
        waits = true;
        requestAnimationFrame(() => {
          waits = false;
          many.show(rows);
          own.textContent = done < total ? `${done} of ${total} runs` : `${total} runs`;
          if (done === total) host.dataset.filled = (performance.now() - since).toFixed(0);
        });
      }).catch(stop);
    }
  }
  const fills = brief ? [] : ATTEMPTS.map(attempts => button(many.buttons, "", event => fill(attempts, event.currentTarget)));
  const stop = error => { words.textContent = `The laboratory stopped: ${error.message}`; };

  model.on?.("change:y", () => {  // from Python
    const next = [...model.get("y")];
    if (next.some((value, i) => value !== state.y[i])) changed(next, { anew: true, tell: false });
  });
  points.set(state.y, true);
  if (many) clearRows();
  find(2).then(() => train()).then(() => {
    if (model.get("play") && !playing.calm()) playing.start();
    return find(3);
  }).catch(stop);
  host.laboratory = { state, train, find, fill, workers, rows: () => rows };
}
