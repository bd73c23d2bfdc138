// What a Worker does: train one net, or find the minima; the module of kernels comes with the first message.
import { kernels } from "./kernels.js";
import { train } from "./train.js";
import { reluMinima } from "./minima.js";

let own = null;
onmessage = ({ data }) => {
  if (data.module) { own = kernels(data.module); postMessage({ ready: true }); return; }
  try {
    const result = data.task ? train(own, data.task) : reluMinima(own, data.pieces, data.x, data.y);
    postMessage({ id: data.id, result });
  } catch (error) {
    postMessage({ id: data.id, error: String(error) });
  }
};
