// The points that one drags, by mouse, touch and keys, with the function of the net on top.
import { frame, make, marks, minus, path } from "./plot.js";

const DRAWN = 241, GRIP = 27;  // half a grip: 44 pixels on a phone
const STEPS = { ArrowUp: 1, ArrowRight: null, ArrowDown: -1, ArrowLeft: null, PageUp: 10, PageDown: -10 };

export function pointsView(host, { x, y, moved }) {
  const view = frame(host, { title: "Drag the points", label: "Points to drag, and the function of the net", xName: "input x", yName: "output y", interactive: true });
  const span = x.at(-1) - x[0], edge = [x[0] - 0.08 * span, x.at(-1) + 0.08 * span];
  view.setX(edge, marks(...edge));
  let low, high, unit;
  const grid = Float64Array.from({ length: DRAWN }, (_, i) => edge[0] + i / (DRAWN - 1) * (edge[1] - edge[0]));
  const kinks = make("path", { class: "ep-lab-kinks" }, view.inside), curve = make("path", { class: "ep-lab-net" }, view.inside);
  const points = x.map((_, i) => {
    const point = make("g", { class: "ep-lab-point", role: "slider", tabindex: i ? -1 : 0, "aria-orientation": "vertical", "aria-label": `Point ${i + 1} of ${x.length}, x = ${minus(x[i].toPrecision(2))}` }, view.root);
    make("rect", { x: -GRIP, y: -GRIP, width: 2 * GRIP, height: 2 * GRIP, class: "ep-lab-grip" }, point);
    make("circle", { r: 5.5 }, point);
    return point;
  });
  let own = [...y], dragged = null;

  const draw = () => points.forEach((point, i) => {
    point.setAttribute("transform", `translate(${view.sx(x[i]).toFixed(1)} ${view.sy(own[i]).toFixed(1)})`);
    point.setAttribute("aria-valuenow", own[i].toFixed(2));
  });
  const put = (i, value) => {
    const next = [...own];
    next[i] = Math.min(Math.max(value, low), high);
    own = next;
    draw();
    moved(own);
  };
  const focus = i => {
    points.forEach((point, j) => point.setAttribute("tabindex", i === j ? 0 : -1));
    points[i].focus({ preventScroll: true });
  };
  const inPicture = event => {
    const box = view.root.getBoundingClientRect(), scale = view.root.viewBox.baseVal.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  };
  points.forEach((point, i) => {
    // Grips overlap where points are close: the nearest one is meant.
    point.addEventListener("pointerdown", event => {
      const [px, py] = inPicture(event);
      const far = j => Math.hypot(view.sx(x[j]) - px, view.sy(own[j]) - py);
      dragged = x.reduce((best, _, j) => far(j) < far(best) ? j : best, i);
      focus(dragged);
      view.root.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    point.addEventListener("keydown", event => {
      if (!(event.key in STEPS) && event.key !== "Home" && event.key !== "End") return;
      event.preventDefault();
      if (event.key === "ArrowRight" || event.key === "ArrowLeft") focus(Math.min(Math.max(i + (event.key === "ArrowRight" ? 1 : -1), 0), x.length - 1));
      else if (event.key in STEPS) put(i, own[i] + STEPS[event.key] * unit);
      else put(i, event.key === "Home" ? low : high);
    });
  });
  view.root.addEventListener("pointermove", event => { if (dragged !== null) put(dragged, view.y(inPicture(event)[1])); });
  for (const end of ["pointerup", "pointercancel"]) view.root.addEventListener(end, () => { dragged = null; });

  return {
    // The room to move in is that of the points once given, with as much again above and below.
    set(values, anew = false) {
      own = [...values];
      if (anew || low === undefined) {
        const least = Math.min(...own), most = Math.max(...own), half = (most - least || Math.abs(most) || 1) / 2;
        [low, high, unit] = [least - half, most + half, half / 25];
        view.setY([low, high], marks(low, high));
        points.forEach(point => { point.setAttribute("aria-valuemin", low.toFixed(2)); point.setAttribute("aria-valuemax", high.toFixed(2)); });
      }
      draw();
    },
    show(shot, groups) {
      if (!shot) { curve.removeAttribute("d"); kinks.removeAttribute("d"); return; }
      const { hidden, out } = shot, value = new Float64Array(DRAWN);
      for (let j = 0; j < out.length; j++) for (let i = 0; i < DRAWN; i++) {
        const z = hidden[2 * j] * grid[i] + hidden[2 * j + 1];
        if (z > 0) value[i] += out[j] * z;
      }
      const far = high - low;  // what lies further out need not be drawn exactly
      curve.setAttribute("d", path([...grid].map(view.sx), [...value].map(v => view.sy(Math.min(Math.max(v, low - far), high + far)))));
      kinks.setAttribute("d", groups.map(group => -Math.tan(group.angle)).filter(kink => kink > edge[0] && kink < edge[1])
        .map(kink => `M${view.sx(kink).toFixed(1)} ${view.floor}v-10`).join(""));
    },
  };
}
