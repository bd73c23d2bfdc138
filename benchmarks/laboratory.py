"""The laboratory's training: the package's kernel, the same kernel in a browser, and plain JavaScript there.

One ReLU network on 20 points; time of one step by the clock, in the best of three runs of 370,000 steps
(plain JavaScript takes fewer). The WebAssembly is the package's own kernel (`tools/wasm.py`), the plain
JavaScript the obvious double loop over neurons and points. Chromium is needed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright
from rows import main, row

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
from lab_cases import engine, start_of, train  # noqa: E402

import epbook as ep  # noqa: E402
from epbook.training import relu_line  # noqa: E402
from tools.browser import LAUNCH  # noqa: E402

WIDTHS, STEPS = (1, 10, 50, 200, 1000), 370_000
PLAIN = """([{ hidden, out }, x, y, lr, steps]) => {
    const m = out.length, n = x.length, w = Float64Array.from({ length: m }, (_, j) => hidden[2 * j]);
    const b = Float64Array.from({ length: m }, (_, j) => hidden[2 * j + 1]), a = Float64Array.from(out);
    const X = Float64Array.from(x), Y = Float64Array.from(y), r = new Float64Array(n);
    const begin = performance.now();
    for (let t = 0; t < steps; t++) {
        for (let i = 0; i < n; i++) {
            let f = -Y[i];
            for (let j = 0; j < m; j++) { const z = w[j] * X[i] + b[j]; if (z > 0) f += a[j] * z; }
            r[i] = 2 * lr / n * f;
        }
        for (let j = 0; j < m; j++) {
            let da = 0, dw = 0, db = 0;
            for (let i = 0; i < n; i++) {
                const z = w[j] * X[i] + b[j];
                if (z > 0) { da += r[i] * z; dw += r[i] * a[j] * X[i]; db += r[i] * a[j]; }
            }
            a[j] -= da; w[j] -= dw; b[j] -= db;
        }
    }
    return (performance.now() - begin) / 1000;
}"""


def measure():
    x, y = ep.data.relu_teacher()
    line, target = x[:, 0].numpy().copy(), y[:, 0].numpy().copy()
    with sync_playwright() as playwright, playwright.chromium.launch(**LAUNCH) as browser:
        page = engine(browser.new_page())
        for m in WIDTHS:
            start = start_of(ep.two_layer(1, m, seed=2))
            few = max(2000, STEPS // m // 10)

            def native(steps, start=start):
                hidden, out = np.array(start["hidden"]).reshape(-1, 2), np.array(start["out"])[None]
                begin = time.perf_counter()
                relu_line.advance(hidden, out, line, target, 0.05, np.empty(steps))
                return (time.perf_counter() - begin) / steps

            def in_browser(steps, m=m, start=start):
                before = page.evaluate("performance.now()")
                train(page, x, y, m=m, **{"from": start}, steps=steps)
                return (page.evaluate("performance.now()") - before) / 1000 / steps

            def plain(steps, start=start):
                return (
                    page.evaluate(PLAIN, [start, x.ravel().tolist(), y.ravel().tolist(), 0.05, steps]) / steps
                )

            tools = {
                "native": (native, STEPS),
                "WebAssembly": (in_browser, STEPS),
                "plain JavaScript": (plain, few),
            }
            for run, _ in tools.values():
                run(1000)  # compile
            turns = [{name: run(steps) for name, (run, steps) in tools.items()} for _ in range(3)]
            yield row({"neurons": m}, {name: min(turn[name] for turn in turns) for name in tools})


if __name__ == "__main__":
    main(measure)
