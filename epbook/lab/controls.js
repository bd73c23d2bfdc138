// Native controls with their names and values, each at least 44 pixels high.
let serial = 0;

export function element(name, attributes = {}, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

// A slider over `values`; text(value) stands beside it and is what a screen reader says.
export function slider(host, { label, values, value, text, changed }) {
  const id = `ep-lab-control-${serial++}`, shown = element("output", { for: id });
  const input = element("input", { id, type: "range", min: 0, max: values.length - 1, step: 1, autocomplete: "off" });
  const nearest = wanted => values.reduce((best, each, i) => Math.abs(each - wanted) < Math.abs(values[best] - wanted) ? i : best, 0);
  const show = () => { shown.textContent = text(values[input.value]); input.setAttribute("aria-valuetext", shown.textContent); };
  input.value = nearest(value);
  show();
  input.addEventListener("input", () => { show(); changed(values[input.value]); });
  host.append(element("div", { class: "ep-lab-control" }, element("label", { for: id }, label), shown, input));
  return { show, set(wanted) { input.value = nearest(wanted); show(); } };
}

export function select(host, { label, options, changed }) {
  const id = `ep-lab-control-${serial++}`, input = element("select", { id, autocomplete: "off" });
  for (const name of options) input.append(element("option", {}, name));
  input.addEventListener("input", () => changed(input.value));
  host.append(element("div", { class: "ep-lab-control ep-lab-short" }, element("label", { for: id }, label), input));
  return input;
}

export function button(host, text, pressed) {
  const made = element("button", { type: "button" }, text);
  made.addEventListener("click", pressed);
  host.append(made);
  return made;
}

export function whole(host, { label, value, changed }) {
  const id = `ep-lab-control-${serial++}`;
  const input = element("input", { id, type: "number", min: 0, max: 4294967295, step: 1, value, autocomplete: "off", inputmode: "numeric" });
  input.addEventListener("input", () => {
    const given = Number(input.value);
    if (input.value !== "" && Number.isInteger(given) && given >= 0 && given < 2 ** 32) changed(given);
  });
  const row = element("div", { class: "ep-lab-row" }, input);
  host.append(element("div", { class: "ep-lab-control ep-lab-short" }, element("label", { for: id }, label), row));
  return { input, row };
}

// Playing: from the first of `count()` pictures to the last in SECONDS; with few steps for who wants calm.
const SECONDS = 4, CALM = matchMedia("(prefers-reduced-motion: reduce)");

export function player(host, { count, show, ended = () => {} }) {
  let frameOf = 0, index = 0;
  const own = button(host, "", () => frameOf ? stop() : start());
  own.className = "ep-lab-play";
  const mark = on => { own.setAttribute("aria-pressed", on); own.setAttribute("aria-label", on ? "Pause" : "Play the training"); };
  const stop = () => {
    cancelAnimationFrame(frameOf);
    if (frameOf) ended();
    frameOf = 0;
    mark(false);
  };
  const start = () => {
    const begin = performance.now(), grain = CALM.matches ? 8 : Infinity;
    mark(true);
    const turn = now => {
      const part = Math.min(Math.max(now - begin, 0) / 1000 / SECONDS, 1), kinds = Math.min(grain, count());
      const next = Math.round((part < 1 ? Math.floor(part * kinds) / kinds : 1) * (count() - 1));
      if (next !== index) show(index = next);
      if (part < 1) frameOf = requestAnimationFrame(turn);
      else stop();
    };
    index = -1;
    frameOf = requestAnimationFrame(turn);
  };
  mark(false);
  return { start, stop, calm: () => CALM.matches, playing: () => frameOf !== 0 };
}
