"""ep.laboratory: a figure that is alive on the built page and in a live kernel, and a drawing elsewhere."""

from __future__ import annotations

import functools
import itertools
import json
from html import escape
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from epbook.checks import positive, table, whole
from epbook.critical import relu_minima
from epbook.figures import laboratory as drawing
from epbook.given import layers
from epbook.lab.assets import script, style
from epbook.networks import hidden_neuron
from epbook.page.both import draw, inline_both
from epbook.page.svg import fingerprint
from epbook.progress import watched
from epbook.training import train_many

_PAGE = """\
{style}<div class="ep-lab" data-settings="{settings}"><div class="ep-lab-drawn">{drawn}</div></div>
<script>{script}epLaboratory();</script>"""
_STEPS, _MOST = 370_000, 60
_serial = itertools.count()


class Laboratory:
    """What `laboratory` and `splitting` return: a notebook shows it as a tool, the PDF as a drawing.

    settings: what the page is told. Source: the conventions of the whole book.
    """

    def __init__(self, settings: dict[str, Any], alt: str, draw: Any, bring: bool) -> None:
        self.settings, self.alt, self._draw, self._bring = settings, alt, draw, bring
        self._serial = next(_serial)

    @property
    def x(self) -> Tensor:
        """Inputs of the points, (n, 1), float64: what `train_many` takes."""
        return _column(self.settings["x"])

    @property
    def y(self) -> Tensor:
        """Outputs of the points, (n, 1), float64; in a live kernel, with anywidget, as they were dragged."""
        return _column(self.settings["y"] if self.widget is None else self.widget.y)

    @functools.cached_property
    def widget(self) -> Any:
        """anywidget's widget of this laboratory; None where anywidget is not installed."""
        return _widget(self.settings)

    @functools.cached_property
    def drawn(self) -> Figure:
        """The same as a drawing, for print and for browsers without Workers or WebAssembly."""
        figure: Figure = self._draw()
        return figure

    def __repr__(self) -> str:
        return f"Laboratory({self.settings['station']}, {len(self.settings['x'])} points)"

    def _repr_html_(self) -> str:
        pair = draw(self.drawn)
        prefix = f"ep-{fingerprint(pair.wide)}-lab-{self._serial}"
        brought = "{" + script() + "\nwindow.epLaboratory ??= () => main_js.wake(ASSETS);}\n"
        return _PAGE.format(
            style=f"<style>{style()}</style>\n" if self._bring else "",
            settings=escape(json.dumps(self.settings)),
            drawn=inline_both([pair], prefix=prefix, alt=self.alt),
            script=brought if self._bring else "",
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        bundle: dict[str, object] = {"text/plain": repr(self)}
        live = watched() and self.widget is not None
        return {**bundle, **_view(self.widget)} if live else {**bundle, "text/html": self._repr_html_()}


def laboratory(
    x: Tensor,
    y: Tensor,
    *,
    width: int = 50,
    seed: int = 0,
    lr: float = 0.05,
    power: float = 2.0,
    steps: int = _STEPS,
    brief: bool = False,
    play: bool = False,
    script: bool = True,
) -> Laboratory:
    """A laboratory of ReLU nets on points of a line: drag the points, train, watch, train many.

    R(θ) = mean of (Σ_j a_j relu(w_j x + b_j) − y)², θ ← θ − lr ∇R(θ) from θ ~ N(0, width^(−2·power)).

    Shown are the points and the net's function; its loss, with the lines at which narrow nets rest, from
    the points alone (`relu_minima`); the neurons by angle and amplitude; the losses at which many runs spend
    their time. All of it is computed in the browser by the package's kernels: the same numbers as
    `train_many`, to the last bit from the same start; the starts of a seed agree to 1e-15. In a live kernel,
    with anywidget (the extra `laboratory`), `.y` is what was dragged.

    x, y: (n, 1), 3 ≤ n ≤ 60, x ascending, finite. width: 1 to 2000. brief: points and loss alone. play: once
    by itself. script: False where an earlier laboratory of the same page has brought script and style.
    Raises ValueError for data or numbers that are not such. Source: textbook section 1.1.

    >>> from epbook.data import relu_teacher
    >>> lab = laboratory(*relu_teacher())
    >>> lab, lab.y.shape
    (Laboratory(laboratory, 20 points), torch.Size([20, 1]))
    """
    inputs, targets = table(x, "x"), table(y, "y")
    if inputs.shape != targets.shape or inputs.shape[1] != 1 or not 3 <= len(inputs) <= _MOST:
        raise ValueError(
            f"x and y must be of one shape (n, 1) with n from 3 to {_MOST}, got {inputs.shape} and "
            f"{targets.shape}"
        )
    width, seed, steps = whole(width, "width", 1), whole(seed, "seed", 0), whole(steps, "steps", 1)
    if width > 2000:
        raise ValueError(f"width must be at most 2000, got {width}: wider nets take a browser too long")
    x, y = torch.from_numpy(inputs), torch.from_numpy(targets)
    relu_minima(x, y, pieces=1)  # raises where x does not ascend
    settings = {
        "station": "laboratory",
        "x": x.ravel().tolist(),
        "y": y.ravel().tolist(),
        "width": width,
        "seed": seed,
        "lr": positive(lr, "lr"),
        "power": float(power),
        "steps": steps,
        "brief": brief,
        "play": play,
    }

    def draw() -> Figure:
        runs = train_many([width], [seed], x, y, steps=steps, lr=lr, std=lambda m: m**-power)
        lines = [each for each in relu_minima(x, y, pieces=3) if each.width <= 3]
        best = [min(each.loss for each in lines if each.width <= most) for most in range(4)]
        others = [each.loss for each in lines]
        return drawing.run(x, y, runs.final(width, seed), runs.losses(width, seed), best, others)

    alt = (
        f"Left, points and the function of a net of {width} neurons. Right, its loss in training, "
        "with the losses at which nets of up to three neurons rest as dashed lines."
    )
    return Laboratory(settings, alt, draw, script)


def splitting(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    neuron: int = 0,
    lr: float = 0.01,
    steps: int = 100_000,
    script: bool = True,
) -> Laboratory:
    """The split of one neuron, live: α and a nudge by sliders, the Hessian's signs, the escape and its law.

    R(T_α θ) − R(t) ≈ ½ |λ| κ² (1 + lr |λ|)^(2t) for a nudge of length κ along the steepest way down, λ < 0.

    net: two-layer with tanh, one input and output, no output bias, at a minimum (`find_critical`). x, y:
    (n, 1). script: False where an earlier laboratory of the same page has brought script and style.
    Raises ValueError for another form of net or data, and a neuron that is not there.
    Source: textbook section 1.3; the law is that of a quadratic saddle.

    >>> from epbook.data import tanh_teacher
    >>> from epbook.networks import two_layer
    >>> splitting(two_layer(1, 2, activation=nn.Tanh), *tanh_teacher())
    Laboratory(splitting, 50 points)
    """
    inputs, targets, found = table(x, "x"), table(y, "y"), layers(net)
    hidden_neuron(found, 0, neuron)
    first, last = found[0], found[-1]
    if (
        len(found) != 2
        or not isinstance(first.activation, nn.Tanh)
        or first.bias is None
        or last.bias is not None
    ):
        raise ValueError("the net must be Linear, Tanh, Linear with biases in the first layer alone")
    if not (inputs.shape == targets.shape == (len(inputs), first.inputs) and first.inputs == last.width == 1):
        raise ValueError(
            f"net, x and y must have one input and one output, got {inputs.shape}, {targets.shape}"
        )
    settings = {
        "station": "splitting",
        "x": inputs.ravel().tolist(),
        "y": targets.ravel().tolist(),
        "hidden": first.incoming.double().ravel().tolist(),
        "out": last.weight.double().ravel().tolist(),
        "neuron": neuron,
        "lr": positive(lr, "lr"),
        "steps": whole(steps, "steps", 1),
    }
    alt = (
        "Left, the smallest curvatures of the split net over the share α: one is negative between 0 and 1. "
        "Right, how far the loss falls after a nudge, in time, beside the foretold exponential."
    )
    draw = functools.partial(
        drawing.split, net, torch.from_numpy(inputs), torch.from_numpy(targets), neuron, lr
    )
    return Laboratory(settings, alt, functools.partial(draw, steps=steps), script)


def _column(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def _widget(settings: dict[str, Any]) -> Any:
    try:
        import anywidget
        import traitlets
    except ImportError:
        return None
    module = script() + "\nexport default { render: context => main_js.render(context, ASSETS) };"
    traits = {name: traitlets.Any(value).tag(sync=True) for name, value in settings.items()}
    kind = type("LiveLaboratory", (anywidget.AnyWidget,), {"_esm": module, "_css": style(), **traits})
    return kind()


def _view(widget: Any) -> dict[str, object]:
    shown = widget._repr_mimebundle_()
    return dict(shown[0] if isinstance(shown, tuple) else shown)
