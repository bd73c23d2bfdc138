"""One figure style for the whole book: sizes, fonts, and colours that mean the same on every page."""

from __future__ import annotations

import math
from typing import Any, overload

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.typing import ColorType
from numpy.typing import NDArray

from epbook.progress import watched

INK = "#1f2328"  # text, axes, rules: takes the colour of the page's text
PAPER = "#ffffff"  # grounds and gaps: takes the colour of the page
MUTED = "#7d8590"  # what stands back: grids, guides, data points behind a fit

# Okabe and Ito's palette, its light members darkened to a contrast of 3:1 against white, and two more.
COLOURS = {
    "blue": "#0072b2",
    "orange": "#d55e00",
    "green": "#00916a",
    "pink": "#b8548c",
    "gold": "#a67c00",
    "violet": "#6f52c4",
    "brown": "#8a5a44",
    "grey": MUTED,
}
# One meaning on all pages: blue is down, orange is up, grey is flat. So nothing else is blue or orange.
SIGN_COLOURS = {"negative": COLOURS["blue"], "zero": MUTED, "positive": COLOURS["orange"]}
COPIES = (COLOURS["green"], COLOURS["pink"])  # the two copies of a split neuron
SERIES = tuple(COLOURS[name] for name in ("green", "pink", "gold", "violet", "brown"))  # what has no meaning
HERE = COLOURS["gold"]  # the moment, the point or the value that is looked at
# Writing and lines upon a painted ground, which stays as it is when the page turns dark; so do these.
ON_LIGHT, ON_DARK = "#11151a", "#fcfcfd"

# Of a network, from 1 neuron (t = 0) to 10,000 (t = 1): violet, purple, brown, olive, green, teal.
WIDTHS = {0.0: "#4a1486", 0.18: "#96257d", 0.3: "#8f5a2e", 0.45: "#7d7114", 0.65: "#3f9142", 1.0: "#149c9c"}
STEPS = 64  # colours of that scale
DARK_PAGE = "#14181e"


def use_style() -> None:
    """Set matplotlib's defaults to the style of the book; call it in a notebook's first cell.

    Width 6.6 in by 3.4 in, 11.5 pt: readable at 390 px. In IPython, figures are shown as vectors at their
    own size, without dates, so that two builds give the same bytes; in a build each is drawn for a phone too.
    Raises nothing. Source: the conventions of the whole book.

    >>> use_style()
    >>> matplotlib.rcParams["svg.hashsalt"]
    'epbook'
    """
    matplotlib.rcParams.update(
        {
            "figure.figsize": (6.6, 3.4),
            "figure.constrained_layout.use": True,
            "figure.facecolor": PAPER,
            "figure.dpi": 110,
            "savefig.dpi": 200,
            "savefig.facecolor": PAPER,
            "svg.fonttype": "none",
            "svg.hashsalt": "epbook",
            "font.family": "DejaVu Sans",
            "mathtext.fontset": "dejavusans",
            "font.size": 11.5,
            "axes.titlesize": 12,
            "axes.labelsize": 11.5,
            "xtick.labelsize": 10.5,
            "ytick.labelsize": 10.5,
            "legend.fontsize": 10.5,
            "axes.titlelocation": "left",
            "axes.titlepad": 8,
            "axes.facecolor": PAPER,
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "axes.titlecolor": INK,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "axes.linewidth": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(color=SERIES),
            "axes.axisbelow": True,
            "axes.grid": False,
            "grid.color": MUTED,
            "grid.alpha": 0.25,
            "grid.linewidth": 0.8,
            "lines.linewidth": 1.8,
            "lines.markersize": 5,
            "lines.solid_capstyle": "round",
            "legend.frameon": False,
            "legend.handlelength": 1.5,
            "image.cmap": "viridis",
        }
    )
    _show_vectors()


@overload
def subplots(*, figsize: tuple[float, float] | None = ...) -> tuple[Figure, Axes]: ...
@overload
def subplots(
    rows: int, columns: int = ..., *, figsize: tuple[float, float] | None = ..., **options: Any
) -> tuple[Figure, NDArray]: ...
def subplots(
    rows: int | None = None,
    columns: int = 1,
    *,
    figsize: tuple[float, float] | None = None,
    **options: Any,
) -> tuple[Figure, Axes | NDArray]:
    """A figure and its axes outside pyplot's list, so that a notebook shows it once and memory is freed.

    Like matplotlib.pyplot.subplots, but where `rows` is given the axes are an array even for one panel: a
    row, a column or a table of them, of shape (rows, columns). `options` go to Figure.subplots; figsize in
    inches, default of the style. Raises what Figure.subplots raises. Source: the conventions of the whole
    book.

    >>> figure, axes = subplots(1, 2, sharey=True)
    >>> len(figure.axes)
    2
    """
    figure = Figure(figsize=figsize)
    if rows is None:
        return figure, figure.subplots()
    return figure, np.atleast_1d(figure.subplots(rows, columns, **options))


def width_colour(width: float) -> str:
    """The colour that stands for a network of `width` hidden neurons, the same on every page.

    WIDTHS at t = (ln m / ln 10⁴)^0.7, in 64 steps: dark for narrow, bright for wide, in an order that
    survives grey print, and never the blue or the orange of the signs.

    width: neurons, 1 to 10⁴ (wider ones share the last colour). Returns '#rrggbb'.
    Raises ValueError below 1. Source: the conventions of the whole book.

    >>> width_colour(1), width_colour(10_000) == width_colour(20_000)
    ('#4a1486', True)
    """
    if not width >= 1:
        raise ValueError(f"a width must be at least 1, got {width!r}")
    t: float = min(1.0, math.log(width) / math.log(10_000)) ** 0.7
    return _WIDTH_COLOURS[round(t * (STEPS - 1))]


def ink_on(colour: ColorType) -> str:
    """What to write with upon a painted ground: ON_DARK or ON_LIGHT, whichever has the larger contrast.

    colour: of the ground, anything matplotlib takes. Raises ValueError for what is no colour.
    Source: WCAG 2.2, relative luminance.

    >>> ink_on("navy") == ON_DARK, ink_on("yellow") == ON_LIGHT
    (True, True)
    """
    ground = _luminance(to_rgb(colour)) + 0.05
    dark, light = (_luminance(to_rgb(ink)) + 0.05 for ink in (ON_LIGHT, ON_DARK))
    return ON_DARK if light / ground > ground / dark else ON_LIGHT


def on_dark(colour: str) -> str:
    """A colour for the dark page: mixed with white until its contrast against the page is at least 5.5:1.

    contrast = (L₁ + 0.05) / (L₂ + 0.05), L the relative luminance (WCAG 2.2).

    colour: anything matplotlib takes. Returns '#rrggbb'. Raises ValueError for what is no colour.
    Source: the conventions of the whole book.

    >>> on_dark("#0072b2")
    '#4598c7'
    """
    for step in range(101):
        red, green, blue = (channel + (1 - channel) * step / 100 for channel in to_rgb(colour))
        mixed = (red, green, blue)
        if (_luminance(mixed) + 0.05) / (_luminance(to_rgb(DARK_PAGE)) + 0.05) >= 5.5:
            break
    return to_hex(mixed)


def themed() -> dict[str, str]:
    """Each colour of the book with its counterpart on the dark page: {'#rrggbb': '#rrggbb'}.

    Source: the conventions of the whole book.

    >>> COLOURS["blue"] in themed()
    True
    """
    return {colour: on_dark(colour) for colour in (*COLOURS.values(), *_WIDTH_COLOURS)}


def _luminance(rgb: tuple[float, float, float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _show_vectors() -> None:
    """In a notebook, show figures as SVG, and for the page of the book both forms; elsewhere do nothing."""
    try:
        from IPython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats
        from matplotlib_inline.config import InlineBackend
    except ImportError:  # plain Python without a notebook
        return
    if get_ipython() is None:
        return
    # bbox_inches=None: the notebook's default crops each figure to another width.
    InlineBackend.instance().set_trait("print_figure_kwargs", {"bbox_inches": None})
    set_matplotlib_formats("svg", metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    if not watched():
        from epbook.page.both import draw, pack  # which need this style

        formatter = get_ipython().display_formatter.formatters["image/svg+xml"]
        formatter.for_type(Figure, lambda figure: pack(draw(figure)))


_WIDTHS = LinearSegmentedColormap.from_list("widths", list(WIDTHS.items()))
_WIDTH_COLOURS: list[str] = [to_hex(_WIDTHS(step / (STEPS - 1))) for step in range(STEPS)]
