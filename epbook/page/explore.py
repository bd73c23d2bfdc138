"""Figures with sliders: drawn beforehand for the page, drawn anew in a live kernel."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from matplotlib.figure import Figure

from epbook.extras import needs
from epbook.page.axis import Axis, Value
from epbook.page.both import Pair, draw, inline_both
from epbook.page.sliders import page
from epbook.page.svg import fingerprint, inline, to_svg
from epbook.progress import progress, watched

if TYPE_CHECKING:
    import ipywidgets

__all__ = ["Axis", "Explorer", "explore"]

T = TypeVar("T")
_serial = itertools.count()


class Explorer:
    """What `explore` returns; a notebook shows it as widgets, the book as a figure with native sliders.

    frames: SVG documents, one for each element of the product of the axes' values, last axis fastest.
    alts: one alternative text for each frame. Source: the conventions of the whole book.
    """

    def __init__(
        self, draw: Callable[..., Figure], axes: dict[str, Axis], alt: str | Callable[..., str], play: bool
    ) -> None:
        self.draw, self.axes, self.alt, self.play = draw, axes, alt, play
        self._serial = next(_serial)

    @property
    def grid(self) -> list[dict[str, Value]]:
        """The parameters of each frame."""
        points = itertools.product(*(axis.values for axis in self.axes.values()))
        return [dict(zip(self.axes, point, strict=True)) for point in points]

    @functools.cached_property
    def pairs(self) -> list[Pair]:
        """All frames for a wide page and for a phone, drawn when first asked for."""
        return [self._drawn(values, draw) for values in progress(self.grid, label="frames")]

    @property
    def frames(self) -> list[str]:
        """All frames for a wide page."""
        return [pair.wide for pair in self.pairs]

    @functools.cached_property
    def alts(self) -> list[str]:
        """The alternative text of each frame."""
        return [self.told(**values) for values in self.grid]

    def told(self, **values: Value) -> str:
        """What one sees at these values; a text that is one for all is followed by the values."""
        if callable(self.alt):
            return self.alt(**values)
        at = ", ".join(f"{axis.label} = {axis.text(values[name])}" for name, axis in self.axes.items())
        return f"{self.alt.rstrip('.')}, at {at}."

    def picture(self, **values: Value) -> str:
        """One frame as an SVG document for a wide page; an error names the values."""
        return self._drawn(values, to_svg)

    def _drawn(self, values: dict[str, Value], make: Callable[[Figure], T]) -> T:
        try:
            return make(self.draw(**values))
        except Exception as error:
            if hasattr(error, "add_note"):  # Python 3.11
                error.add_note(f"explore: while drawing at {values}")
            raise

    def widget(self) -> ipywidgets.VBox:
        """The figure with ipywidgets, which draws anew at every value; they come with the extra `sliders`."""
        with needs("sliders"):
            from epbook.page.live import widget

        def live(**values: Value) -> str:
            return inline([self.picture(**values)], prefix=f"ep-live-{self._serial}", alt=self.told(**values))

        return widget(live, list(self.axes), list(self.axes.values()))

    def __repr__(self) -> str:
        tracks = (f"{a.label} = {a.texts()[0]} … {a.texts()[-1]}" for a in self.axes.values())
        return f"Explorer({', '.join(tracks)}; {len(self.grid)} frames)"

    def _repr_html_(self) -> str:
        axes = list(self.axes.values())
        shown = 0
        for axis in axes:
            shown = shown * len(axis.values) + axis.first
        prefix = f"ep-{fingerprint(*self.frames)}-{self._serial}"
        svg = inline_both(self.pairs, prefix=prefix, alt=self.alts[shown], shown=shown)
        return page(svg, axes, self.alts, prefix=prefix, play=self.play)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        if find_spec("ipywidgets") is None:  # the sliders of the page need nothing
            return {"text/plain": repr(self), "text/html": self._repr_html_()}
        bundle = {**self.widget()._repr_mimebundle_(), "text/plain": repr(self)}
        return bundle if watched() else {**bundle, "text/html": self._repr_html_()}


def explore(
    draw: Callable[..., Figure],
    *,
    alt: str | Callable[..., str] | None = None,
    play: bool = False,
    **axes: Axis | Sequence[Value],
) -> Explorer:
    """A figure with one or two sliders: `draw(name=value, …) -> Figure` over the given values.

    On the built page all frames are drawn beforehand and moved by native sliders without a kernel; so an
    error at any value is an error of the cell. In a live kernel the figure is drawn anew at the slider's
    value, also between the frames (floats only), and nothing is drawn beforehand.

    axes: one or two, named like the parameters of `draw`; an array or list of values, or
    `Axis(values, label="α", format="{:+.2f}", start=0.3)`. The play button moves the first one.
    alt: what one sees, as a text or as a function of the same parameters; default the first line of
    `draw`'s docstring. play: start by itself once, when the figure comes into sight.
    Frames need one size and, to stay still, fixed axis limits; equal parts of frames are stored once.
    Raises ValueError without alternative text, with no or more than two axes, or with frames of different
    sizes; TypeError where `draw` returns no Figure; and whatever `draw` raises, with the values as a note.
    Source: the conventions of the whole book.

    >>> from epbook.page import subplots
    >>> def draw(alpha):
    ...     "A straight line of slope α."
    ...     figure, axes = subplots(figsize=(2, 1))
    ...     axes.plot([0, 1], [0, alpha])
    ...     return figure
    >>> explore(draw, alpha=[0.0, 0.5, 1.0])
    Explorer(α = 0.00 … 1.00; 3 frames)
    """
    if not 1 <= len(axes) <= 2:
        raise ValueError(f"one or two sliders make a figure, got {len(axes)}: {sorted(axes)}")
    tracks = {
        name: (given if isinstance(given, Axis) else Axis(given)).named(name) for name, given in axes.items()
    }
    explorer = Explorer(draw, tracks, alt or _summary(draw), play)
    if not watched():
        explorer._repr_html_()
    return explorer


def _summary(draw: Callable[..., Figure]) -> str:
    while isinstance(draw, functools.partial):
        draw = draw.func
    text = (inspect.getdoc(draw) or "").split("\n")[0].strip()
    if not text:
        raise ValueError("explore needs alt, a text that says what one sees, or a docstring of draw")
    return text
