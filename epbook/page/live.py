"""Sliders for a live kernel: ipywidgets that draw anew at every value, also between the frames."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import ipywidgets
import numpy as np

from epbook.page.axis import Axis

FINER = 10  # positions of a live slider between two frames


def widget(picture: Callable[..., str], names: Sequence[str], axes: Sequence[Axis]) -> ipywidgets.VBox:
    """Sliders that call `picture(name=value, …) -> svg` and show what it returns; an error shows as one.

    Words and whole numbers keep to the axis's values, floats take values between them.
    Source: ipywidgets.

    >>> box = widget(lambda m: f"<svg>{m}</svg>", ["m"], [Axis([1, 2])])
    >>> box.children[0].value
    '<svg>1</svg>'
    """
    sliders = [_slider(axis) for axis in axes]
    labels = [ipywidgets.Label() for _ in axes]
    screen, errors = ipywidgets.HTML(), ipywidgets.Output()

    def redraw(_: object = None) -> None:
        errors.outputs = ()
        for label, axis, slider in zip(labels, axes, sliders, strict=True):
            label.value = axis.text(slider.value)
        with errors:
            screen.value = picture(**{name: s.value for name, s in zip(names, sliders, strict=True)})

    for slider in sliders:
        slider.observe(redraw, "value")
    redraw()
    play = ipywidgets.Play(max=len(axes[0].values) - 1, value=axes[0].first, interval=200)
    play.observe(lambda change: setattr(sliders[0], "value", axes[0].values[change["new"]]), "value")
    rows = [ipywidgets.HBox([slider, label]) for slider, label in zip(sliders, labels, strict=True)]
    return ipywidgets.VBox([screen, ipywidgets.HBox([play, ipywidgets.VBox(rows)]), errors])


def _slider(axis: Axis) -> ipywidgets.DOMWidget:
    start = axis.values[axis.first]
    layout = ipywidgets.Layout(width="26em")
    if axis.kind is not float:
        return ipywidgets.SelectionSlider(
            options=axis.values, value=start, description=axis.label, readout=False, layout=layout
        )
    values = np.asarray(axis.values, dtype=np.float64)
    low, high = float(values[0]), float(values[-1])
    common = {"description": axis.label, "readout": False, "layout": layout}
    steps = FINER * (len(values) - 1)
    if low > 0 and np.ptp(np.diff(np.log(values))) < 1e-9 < np.ptp(np.diff(values)):
        low, high = math.log10(low), math.log10(high)
        return ipywidgets.FloatLogSlider(value=start, min=low, max=high, step=(high - low) / steps, **common)
    return ipywidgets.FloatSlider(value=start, min=low, max=high, step=(high - low) / steps, **common)
