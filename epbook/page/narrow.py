"""The same figure for a phone: panels one above the other, so that its writing stays readable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec, SubplotSpec
from matplotlib.legend import Legend

WIDTH = 4.2  # inches on the 358 pixels that a phone has for a figure: 8 pt are 9.5 pixels
HIGHEST = 0.75  # of that width: the height of one panel of several
Place = Literal["outside upper center", "outside lower center"]
FEW = 3  # panels side by side that are stacked; more are set in two columns


@contextmanager
def narrowed(figure: Figure) -> Iterator[bool]:
    """Set a figure anew for a narrow page while the block lasts; False where it is narrow already.

    Up to three panels beside one another stand in one column, more of them in two; pictures without axes
    stay where they are. What a shared axis had left out is written again; legends at the right go below.
    Raises nothing of its own. Source: the conventions of the whole book.

    >>> from epbook.page.style import subplots, use_style
    >>> use_style()
    >>> figure, panels = subplots(1, 2, figsize=(6.6, 3))
    >>> with narrowed(figure):
    ...     figure.get_size_inches().round(2).tolist(), panels[1].get_subplotspec().rowspan.start
    ([4.2, 6.0], 1)
    >>> figure.get_size_inches().tolist()
    [6.6, 3.0]
    """
    width, height = figure.get_size_inches()
    if width <= WIDTH:
        yield False
        return
    panels = [axes for axes in figure.axes if axes.get_subplotspec() is not None]
    across = len({_spec(axes).colspan.start for axes in panels})
    with ExitStack() as later:
        later.callback(figure.set_size_inches, width, height)
        if across > FEW and not all(axes.axison for axes in panels):
            height *= WIDTH / width
        elif across > 1:
            height = _stack(figure, panels, 1 if across <= FEW else 2, later)
        elif any(map(_square, panels)):
            height *= WIDTH / width
        _legends_below(figure, later)
        figure.set_size_inches(WIDTH, height)
        yield True


def _spec(axes: Axes) -> SubplotSpec:
    spec = axes.get_subplotspec()
    assert spec is not None  # such axes were sorted out
    return spec.get_topmost_subplotspec()


def _stack(figure: Figure, panels: list[Axes], columns: int, later: ExitStack) -> float:
    """Give each panel a new place, row by row; the height that the figure needs."""
    panels = sorted(panels, key=lambda axes: (_spec(axes).colspan.start, _spec(axes).rowspan.start))
    if len({_spec(axes).rowspan.start for axes in panels}) * len(
        {_spec(axes).colspan.start for axes in panels}
    ) == len(panels):
        panels.sort(key=lambda axes: (_spec(axes).rowspan.start, _spec(axes).colspan.start))
    heights = [_height(figure, axes) for axes in panels]
    rows = [max(heights[start : start + columns]) for start in range(0, len(panels), columns)]
    grid = GridSpec(len(rows), columns, figure=figure, height_ratios=rows)
    for place, axes in enumerate(panels):
        own = axes.get_subplotspec()
        assert own is not None
        later.callback(axes.set_subplotspec, own)
        axes.set_subplotspec(grid[divmod(place, columns)])
        _write_shared(axes, panels[0], later)
    return sum(rows)


def _height(figure: Figure, axes: Axes) -> float:
    """What a panel had of the figure's height, but no more than suits one of several."""
    grid, spec = _spec(axes).get_gridspec(), _spec(axes)
    ratios = np.asarray(grid.get_height_ratios(), dtype=np.float64)
    part = ratios[spec.rowspan.start : spec.rowspan.stop].sum() / ratios.sum()
    return float(min(figure.get_size_inches()[1] * part, WIDTH * (0.95 if _square(axes) else HIGHEST)))


def _square(axes: Axes) -> bool:
    """Whether a panel keeps its shape, as pictures do, so that more height would stay empty."""
    return axes.get_aspect() == 1 or bool(axes.images)


def _write_shared(axes: Axes, first: Axes, later: ExitStack) -> None:
    """Write the numbers and the name that a panel left to the one beside or below it."""
    if len(axes.get_shared_y_axes().get_siblings(axes)) > 1 and not axes.yaxis.get_tick_params().get(
        "labelleft", True
    ):
        later.callback(axes.tick_params, labelleft=False)
        axes.tick_params(labelleft=True)
        if not axes.get_ylabel():
            later.callback(axes.set_ylabel, "")
            axes.set_ylabel(first.get_ylabel())


def _legends_below(figure: Figure, later: ExitStack) -> None:
    """Legends that stand beside the panels take their width: they go below, and wide ones above get rows."""
    above = [each for each in figure.legends if getattr(each, "_outside_loc", None) == "upper"]
    for one in above:
        if one.get_window_extent().width > 0.97 * WIDTH * figure.dpi:
            _instead(figure, one, "outside upper center", later)
    beside = [each for each in figure.legends if getattr(each, "_outside_loc", None) == "right"]
    for axes in figure.axes:
        legend = axes.get_legend()
        if legend is not None and legend.get_bbox_to_anchor().x0 >= axes.bbox.x1 - 1:
            beside.append(legend)
    for legend in beside:
        _instead(figure, legend, "outside lower center", later)


def _instead(figure: Figure, legend: Legend, loc: Place, later: ExitStack) -> None:
    """Put a legend of as many columns as there is room for in the place of this one."""
    if legend in figure.legends:  # the layout keeps room for each of these, even for a hidden one
        later.callback(figure.legends.insert, figure.legends.index(legend), legend)
        figure.legends.remove(legend)
    else:
        later.callback(legend.set_visible, True)
        later.callback(legend.set_in_layout, True)
        legend.set_visible(False)
        legend.set_in_layout(False)
    labels = [text.get_text() for text in legend.get_texts()]
    columns = min(len(labels), max(1, 30 // (4 + max(map(len, labels)))))
    anew = figure.legend(
        [each for each in legend.legend_handles if each is not None],
        labels,
        loc=loc,
        title=legend.get_title().get_text() or None,
        fontsize=legend.get_texts()[0].get_fontsize(),
        ncols=columns,
    )
    later.callback(anew.remove)
