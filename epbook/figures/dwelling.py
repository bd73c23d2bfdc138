"""Figures of wide runs against the atlas: where they dwell, how they leave, how long the first wait is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from epbook.atlas import Leaving, Visit, explained
from epbook.page.style import COLOURS, INK, MUTED, SIGN_COLOURS, subplots, width_colour

FINITE, INFINITE = COLOURS["green"], COLOURS["violet"]
MARKS = "osD^v"  # of the stations that are left, in turn


def stays(
    found: Mapping[str, Sequence[Visit]], infinite: Callable[[str], bool], *, within: float = 0.1
) -> Figure:
    """Losses of wide runs, thick where they dwell: in one colour at finite stations, in another at infinity.

    found: name of the data → visits. infinite: whether the station of a name lies at infinity. What dwells
    and is farther than `within` from every station is drawn dotted. Source: this book, page on the atlas.
    """
    figure, panels = subplots(1, len(found), figsize=(6.8, 3.9), sharey=True)
    for axes, (name, runs) in zip(panels, found.items(), strict=True):
        told: dict[str, float] = {}
        for visit in runs:
            axes.loglog(visit.steps, visit.losses, color=MUTED, lw=0.8, zorder=1)
            lost = np.where(visit.dwells, visit.losses, np.nan)
            axes.plot(visit.steps, lost, color=INK, lw=2, ls=":", zorder=2)
            for station, part in visit.stays(within=within):
                colour = INFINITE if infinite(station) else FINITE
                axes.plot(visit.steps[part], visit.losses[part], color=colour, lw=4.5, zorder=3)
                told.setdefault(station, float(np.median(visit.losses[part])))
        _name_stays(axes, told, infinite)
        axes.set(title=name, xlabel="step", ylim=(7e-5, 1.6))
    panels[0].set_ylabel("loss")
    handles = [Line2D([], [], color=colour, lw=4.5) for colour in (FINITE, INFINITE)]
    handles.append(Line2D([], [], color=INK, lw=2, ls=":"))
    names = ["at a finite station", "at one at infinity", "at none"]
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize=9)
    return figure


def _name_stays(axes: Axes, told: Mapping[str, float], infinite: Callable[[str], bool]) -> None:
    """Names at the right edge, of those that would overlap only the first."""
    free = np.inf
    for station, level in sorted(told.items(), key=lambda item: -item[1]):
        if np.log10(free) - np.log10(level) < 0.2:
            continue
        free = level
        colour = INFINITE if infinite(station) else FINITE
        axes.annotate(f" {station}", (1, level), xycoords=("axes fraction", "data"), va="center", fontsize=9,
                      color=colour, annotation_clip=False)  # fmt: skip


def shares(found: Mapping[str, Sequence[Visit]], infinite: Callable[[str], bool]) -> Figure:
    """The part of dwelling time near a station, against how near: all stations, and the finite ones alone.

    found: name of the data → visits. Source: this book, page on the atlas.
    """
    figure, panels = subplots(1, len(found), figsize=(6.8, 3.0), sharey=True)
    distances = np.geomspace(0.003, 1, 60)
    for axes, (name, runs) in zip(panels, found.items(), strict=True):
        curves = {
            "with infinity": ([explained(runs, d) for d in distances], INFINITE, "-"),
            "finite alone": ([explained(runs, d, among=_not(infinite)) for d in distances], FINITE, "--"),
        }
        for label, (values, colour, style) in curves.items():
            axes.semilogx(100 * distances, values, style, color=colour, lw=2.4, label=label)
        for mark in (5, 10):
            axes.axvline(mark, color=MUTED, lw=0.8, ls=(0, (2, 3)), zorder=0)
        axes.set(title=name, xlabel="distance, % of the residual", ylim=(-0.03, 1.03))
        axes.set_xticks([1, 5, 10, 100], ["1", "5", "10", "100"])
    panels[0].set_ylabel("part of the dwelling time")
    panels[0].legend(loc="upper left", fontsize=9)
    return figure


def _not(infinite: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda name: not infinite(name)


def ways_out(found: Mapping[str, Sequence[Leaving]]) -> Figure:
    """How much of each way out leads down, beside chance; and how few of the steepest directions hold it.

    found: name of the station that is left → one `Leaving` a run. Source: this book, page on the atlas.
    """
    figure, (left, right) = subplots(1, 2, figsize=(6.8, 3.6), width_ratios=[1.2, 1])
    down = SIGN_COLOURS["negative"]
    for row, (ways, mark) in enumerate(zip(found.values(), itertools.cycle(MARKS), strict=False)):
        spread = row + np.linspace(-0.2, 0.2, len(ways)) if len(ways) > 1 else np.array([row])
        left.plot([way.share for way in ways], spread, mark, color=down, ms=5.5)
        left.plot([way.chance for way in ways], spread, mark, color=MUTED, ms=4.5, mfc="none")
        for way in ways:
            count = np.arange(1, len(way.parts) + 1)
            right.semilogx(count, np.cumsum(way.parts), color=down, lw=1, alpha=0.7)
    size = max(len(way.parts) for ways in found.values() for way in ways)
    count = np.arange(1, size + 1)
    right.semilogx(count, count / size, color=MUTED, lw=2.4, ls="--")
    left.set_yticks(range(len(found)), list(found))
    left.set(xlim=(0, 1.03), ylim=(len(found) - 0.5, -0.6), xlabel="part of the way that leads down")
    right.set(xlabel="steepest directions", ylabel="part of the way in them", ylim=(0, 1.03))
    handles = [Line2D([], [], color=down, marker="o", ls="-"), Line2D([], [], color=MUTED, marker="o",
               mfc="none", ls="--")]  # fmt: skip
    figure.legend(handles, ["measured", "a random way"], loc="outside lower center", ncols=2, fontsize=9)
    return figure


def waits(runs: Sequence[tuple[int, NDArray, NDArray, float]], level: float, rate: float) -> Figure:
    """Loss around the first plateau against time, and against time in the unit of the prediction.

    runs: (width, flow times, losses, A_max) each; level: the loss of the linear fit; rate: |λ_min(G)|. On
    the right the time is multiplied by A_max · rate, after which all widths should fall together.
    Source: this book, page on the atlas.
    """
    figure, panels = subplots(1, 2, figsize=(6.8, 3.5), sharey=True)
    widths = sorted({run[0] for run in runs})
    style = dict(zip(widths, itertools.cycle(("-", "--", "-.", ":")), strict=False))
    labelled = set()
    for width, times, losses, amplitude in sorted(runs, key=lambda run: -run[0]):
        for axes, unit in zip(panels, (1.0, amplitude * rate), strict=True):
            label = None if width in labelled or axes is panels[1] else str(width)
            axes.plot(
                times * unit, losses / level, style[width], color=width_colour(width), lw=1.5, label=label
            )
        labelled.add(width)
    for axes in panels:
        axes.axhspan(0.95, 1.05, color=MUTED, alpha=0.18, lw=0)
        axes.set_ylim(0.7, 1.2)
    longest = max(float(times[losses > 0.7 * level][-1]) for _, times, losses, _ in runs)
    panels[0].set(xlim=(0, longest), xlabel="flow time $t$", ylabel="loss / loss of the linear fit")
    panels[1].set(xlim=(0, 3), xlabel=r"$t \, A_{\max} \, |\lambda_{\min}(G)|$")
    figure.legend(title="width $m$", loc="outside right center", fontsize=9, reverse=True)
    return figure
