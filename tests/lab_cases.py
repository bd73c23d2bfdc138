"""The laboratory's modules in a blank page, and its figures in a page of their own."""

import json
import os

import torch

from epbook.lab import assets
from epbook.networks import sequential

TASK = "{ kernel: 'advance', pictures: 0, std: 0, seed: 0, from: null }"
ENGINE = f"""window.engine = (() => {{
{assets.joined("worker", ())}
return {{ ...kernels_js, ...train_js, ...start_js, ...minima_js }};
}})();"""
VIEWS = f"""window.views = (() => {{
{assets.joined("main", ())}
return {{ ...effective_js, ...rests_js, ...curvature_js, ...words_js }};
}})();"""
CHANCE = f"""window.chance = (() => {{
{assets.joined("rests", ("chance",))}
return rests_js.chance;
}})();"""
# The full form of the costly checks: `make laboratory`.
SEEDS = int(os.environ.get("EPBOOK_LAB_SEEDS", "4"))


def engine(page):
    """Put the engine and the parts of the views into a page; own = its kernels."""
    page.add_script_tag(content=ENGINE)
    page.add_script_tag(content=VIEWS)
    page.add_script_tag(content=CHANCE)
    kernels = json.loads(assets.script().split(";\n", 1)[0].removeprefix("const ASSETS = "))["kernels"]
    page.evaluate(
        """async text => {
            const packed = Uint8Array.from(atob(text), c => c.charCodeAt(0));
            const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
            window.own = engine.kernels(await WebAssembly.compile(await new Response(stream).arrayBuffer()));
        }""",
        kernels,
    )
    return page


def train(page, x, y, **task):
    """One run in the browser, as `train.js` gives it, its arrays as lists."""
    given = {"x": x.ravel().tolist(), "y": y.ravel().tolist(), "lr": 0.05, "steps": 370_000, **task}
    return page.evaluate(
        f"""given => {{
            const run = engine.train(own, {{ ...{TASK}, ...given }});
            const shots = run.shots.map(s => ({{ step: s.step, hidden: [...s.hidden], out: [...s.out] }}));
            return {{ ...run, counts: [...run.counts], shots }};
        }}""",
        given,
    )


def start_of(net):
    """{hidden, out}, as the laboratory keeps a net."""
    hidden = torch.cat([net[0].weight, net[0].bias[:, None]], dim=1).ravel().tolist()
    return {"hidden": hidden, "out": net[2].weight.ravel().tolist()}


def net_of(shot):
    """The nn.Sequential of what `start_of` makes."""
    hidden = torch.tensor(shot["hidden"], dtype=torch.float64).reshape(-1, 2)
    out = torch.tensor(shot["out"], dtype=torch.float64)[None]
    return sequential([(hidden[:, :1], hidden[:, 1], torch.nn.ReLU()), (out, None, None)])


def document(shown, theme="light"):
    """A whole page around the figure of a laboratory."""
    return f"""<!DOCTYPE html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8">
<title>Lab</title><meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><main><h1>Lab</h1>{shown._repr_html_()}</main></body></html>"""
