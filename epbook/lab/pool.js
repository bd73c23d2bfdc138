// Workers that share one queue. A question with a `key` replaces a waiting one with the same key.
// Resolves when the first Worker has its kernels: a page's policy may forbid Workers, which no exception tells.
export async function pool(module, source) {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const size = Math.max(1, Math.min(navigator.hardwareConcurrency || 2, 8));
  const all = [], idle = [], waiting = [], open = new Map();
  let next = 0;

  const launch = () => {
    const worker = new Worker(url);
    all.push(worker);
    worker.postMessage({ module });
    worker.onerror = event => {
      for (const { fail } of open.values()) fail(new Error(event.message || "a Worker could not be started"));
      open.clear();
    };
    worker.onmessage = ({ data }) => {
      if (data.ready) return;
      const { settle, fail } = open.get(data.id);
      open.delete(data.id);
      idle.push(worker);
      if (data.error) fail(new Error(data.error));
      else settle(data.result);
      serve();
    };
    return worker;
  };
  const serve = () => {
    while (waiting.length && (idle.length || all.length < size)) {
      const question = waiting.shift(), worker = idle.pop() ?? launch();
      open.set(question.id, question);
      worker.postMessage({ id: question.id, ...question.message });
    }
  };
  const first = launch();
  await new Promise((settle, fail) => {
    first.addEventListener("message", settle, { once: true });
    first.addEventListener("error", event => fail(new Error(event.message || "no Worker can be started here")), { once: true });
  });
  idle.push(first);
  return {
    // What `message` asks for; null where a later question took its place.
    ask(message, { key = null, urgent = false } = {}) {
      return new Promise((settle, fail) => {
        const question = { id: next++, message, key, settle, fail };
        const old = key === null ? -1 : waiting.findIndex(each => each.key === key);
        if (old >= 0) waiting.splice(old, 1)[0].settle(null);
        waiting[urgent ? "unshift" : "push"](question);
        serve();
      });
    },
    drop() { for (const question of waiting.splice(0)) question.settle(null); },
    close() {
      for (const question of waiting.splice(0)) question.settle(null);
      for (const worker of all) worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}
