// The frame of a picture: two axes in an SVG that takes the page's own colours and fonts.
export const minus = text => String(text).replaceAll("-", "−");
export const thousands = value => value.toLocaleString("en");

export function make(name, attributes = {}, parent = null) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

export function path(xs, ys) {
  let d = "";
  for (let i = 0; i < xs.length; i++) d += `${i ? "L" : "M"}${xs[i].toFixed(1)} ${ys[i].toFixed(1)}`;
  return d;
}

const WIDTH = 420, HEIGHT = 300, TOP = 12, FLOOR = 252;
let serial = 0;

// A figure in `host`: {root, inside (clipped), behind, sx, sy, left, right, top, floor, setX, setY, caption}.
export function frame(host, { title, label, left = 48, right = WIDTH - 12, xName, yName, interactive = false }) {
  const figure = document.createElement("div"), caption = document.createElement("div");
  figure.className = "ep-lab-view";
  caption.className = "ep-lab-title";
  caption.textContent = title;
  const root = make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: interactive ? "group" : "img", "aria-label": label });
  figure.append(caption, root);
  host.append(figure);
  const behind = make("g", {}, root), ticks = make("g", { class: "ep-lab-axis", "aria-hidden": "true" }, root);
  const id = `ep-lab-clip-${serial++}`;
  make("rect", { x: left, y: TOP, width: right - left, height: FLOOR - TOP }, make("clipPath", { id }, make("defs", {}, root)));
  const inside = make("g", { "clip-path": `url(#${id})` }, root);
  make("text", { x: (left + right) / 2, y: HEIGHT - 6, class: "ep-lab-name", "text-anchor": "middle", "aria-hidden": "true" }, root).textContent = xName;
  make("text", { x: 0, y: 0, class: "ep-lab-name", "text-anchor": "middle", transform: `translate(11 ${(TOP + FLOOR) / 2}) rotate(-90)`, "aria-hidden": "true" }, root).textContent = yName;
  const groups = { x: make("g", {}, ticks), y: make("g", {}, ticks) };
  make("path", { d: `M${left} ${TOP}V${FLOOR}H${right}` }, ticks);
  const own = { figure, caption, root, behind, inside, left, right, top: TOP, floor: FLOOR };
  // domain: [low, high]; marks: [[value, text], …]
  own.setX = ([low, high], marks) => {
    own.sx = v => left + (v - low) / (high - low) * (right - left);
    own.x = place => low + (place - left) / (right - left) * (high - low);
    groups.x.replaceChildren();
    for (const [value, text] of marks) {
      make("path", { d: `M${own.sx(value).toFixed(1)} ${FLOOR}v5` }, groups.x);
      make("text", { x: own.sx(value), y: FLOOR + 19, "text-anchor": "middle" }, groups.x).textContent = minus(text);
    }
  };
  own.setY = ([low, high], marks) => {
    own.sy = v => FLOOR - (v - low) / (high - low) * (FLOOR - TOP);
    own.y = place => low + (FLOOR - place) / (FLOOR - TOP) * (high - low);
    groups.y.replaceChildren();
    for (const [value, text] of marks) {
      make("path", { d: `M${left} ${own.sy(value).toFixed(1)}h-5` }, groups.y);
      make("text", { x: left - 8, y: own.sy(value) + 4, "text-anchor": "end" }, groups.y).textContent = minus(text);
    }
  };
  return own;
}

// About `count` round numbers within [low, high], with their texts.
export function marks(low, high, count = 4) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(v => v * power).find(v => v >= rough), digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9; i++) found.push([i * step, (i * step).toFixed(digits)]);
  return found;
}

const RAISED = { "-": "⁻", ".": "·", ...Object.fromEntries([..."⁰¹²³⁴⁵⁶⁷⁸⁹"].entries()) };
export const raised = power => [...String(power)].map(c => RAISED[c]).join("");

// A number as 4·10⁻¹⁶.
export function scientific(value, digits = 0) {
  const [head, power] = value.toExponential(digits).split("e");
  return head === "1" ? `10${raised(Number(power))}` : `${minus(head)}·10${raised(Number(power))}`;
}

export const decades = (low, high) => {
  const found = [];
  for (let d = Math.ceil(low); d <= high; d++) found.push([d, d < 4 ? thousands(10 ** d) : `10${raised(d)}`]);
  return found;
};
