// Brings laboratories to life: on a static page each element with its settings, in a live kernel through
// anywidget's `render`. Where Workers or WebAssembly are missing, the drawn figure stays.
import { laboratory } from "./lab.js";
import { pool } from "./pool.js";
import { splitting } from "./split.js";

const STATIONS = { laboratory, splitting };

async function unpacked(text) {
  const packed = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return WebAssembly.compile(await new Response(stream).arrayBuffer());
}
let compiled = null;

// What ends it again: anywidget calls that when the cell is run anew or its output is cleared.
async function enliven(element, model, assets) {
  const live = document.createElement("div");
  live.className = "ep-lab-live";
  let workers = null;
  const end = () => { live.remove(); workers?.close(); };
  try {
    compiled ??= unpacked(assets.kernels);
    workers = await pool(await compiled, assets.worker);
    element.append(live);
    STATIONS[model.get("station")](live, model, workers);
    element.classList.add("ep-lab-alive");
  } catch (error) {
    end();
    console.warn("the laboratory stays a drawing:", error);
    if (!element.children.length)  // in a live kernel there is none
      element.textContent = "The laboratory needs Workers and WebAssembly, and one of them is forbidden or missing here.";
  }
  return end;
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
