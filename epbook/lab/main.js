// Brings laboratories to life: on a static page each element with its settings, in a live kernel through
// anywidget's `render`. Where Workers or WebAssembly are missing, the drawn figure stays.
import { laboratory } from "./lab.js";
import { splitting } from "./split.js";

const STATIONS = { laboratory, splitting };

async function unpacked(text) {
  const packed = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return WebAssembly.compile(await new Response(stream).arrayBuffer());
}
let compiled = null;

async function enliven(element, model, assets) {
  compiled ??= unpacked(assets.kernels);
  const live = document.createElement("div");
  live.className = "ep-lab-live";
  try {
    const module = await compiled;
    element.append(live);
    STATIONS[model.get("station")](live, model, module, assets.worker);
    element.classList.add("ep-lab-alive");
  } catch (error) {
    live.remove();
    console.warn("the laboratory stays a drawing:", error);
  }
}

// A page's own model: settings that nobody else listens to.
function settings(values) {
  return { get: name => values[name], set(name, value) { values[name] = value; }, save_changes() {} };
}

export function wake(assets) {
  for (const element of document.querySelectorAll(".ep-lab:not([data-ready])")) {
    element.dataset.ready = "";
    const watch = new IntersectionObserver(seen => {
      if (!seen.some(entry => entry.isIntersecting)) return;
      watch.disconnect();
      enliven(element, settings(JSON.parse(element.dataset.settings)), assets);
    }, { rootMargin: "200px" });
    watch.observe(element);
  }
}

export function render({ model, el }, assets) {
  el.classList.add("ep-lab");
  return enliven(el, model, assets);
}
