// Workers that share one queue. A question with a `key` replaces a waiting one with the same key.
export function pool(module, source) {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const size = Math.max(1, Math.min(navigator.hardwareConcurrency || 2, 8));
  const idle = [], waiting = [], open = new Map();
  let started = 0, next = 0;

  const launch = () => {
    const worker = new Worker(url);
    worker.postMessage({ module });
    worker.onmessage = ({ data }) => {
      const { settle, fail } = open.get(data.id);
      open.delete(data.id);
      idle.push(worker);
      if (data.error) fail(new Error(data.error));
      else settle(data.result);
      serve();
    };
    started++;
    return worker;
  };
  const serve = () => {
    while (waiting.length && (idle.length || started < size)) {
      const question = waiting.shift(), worker = idle.pop() ?? launch();
      open.set(question.id, question);
      worker.postMessage({ id: question.id, ...question.message });
    }
  };
  idle.push(launch());  // at once: where Workers are forbidden, this is the place to learn it
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
  };
}
