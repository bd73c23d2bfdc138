"""The values of one slider."""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Value = float | int | str


@dataclass(frozen=True)
class Axis:
    """One slider: its values in the order of the track, how they are named and written, where it starts.

    values: at least two; numbers rising strictly, or words, each once.
    label: what stands before the value; default the name of the parameter, Greek letters spelt (alpha: α).
    format: for str.format, default '{:.2f}' for floats and '{}' else. start: the nearest value is taken,
    default the first. Raises ValueError for too few, repeated, falling or non-finite values, for a start
    outside them, TypeError for values of mixed kinds. Source: the conventions of the whole book.

    >>> axis = Axis(np.linspace(-1, 2, 4), label="α", format="{:+.1f}", start=0.9)
    >>> axis.texts(), axis.first
    (('−1.0', '+0.0', '+1.0', '+2.0'), 2)
    """

    values: Sequence[Value]
    label: str = ""
    format: str = ""
    start: Value | None = None

    def __post_init__(self) -> None:
        values = tuple(np.asarray(self.values).tolist() if self.kind is not str else self.values)
        object.__setattr__(self, "values", values)
        if len(values) < 2:
            raise ValueError(f"a slider needs at least two values, got {values!r}")
        if self.kind is str:
            if len(set(values)) < len(values):
                raise ValueError(f"the values of a slider must differ, got {values!r}")
        elif not all(math.isfinite(value) for value in values):
            raise ValueError(f"the values of a slider must be finite, got {values!r}")
        elif any(left >= right for left, right in itertools.pairwise(values)):
            raise ValueError(f"the values of a slider must rise, got {values!r}")
        self.texts()
        self.first  # noqa: B018  # a bad start is refused here, not on the page

    @property
    def kind(self) -> type:
        """float, int or str: what `draw` is given."""
        if all(isinstance(value, str) for value in self.values):
            return str
        array = np.asarray(self.values)
        if array.ndim != 1 or array.dtype.kind not in "iuf":
            raise TypeError(f"the values of a slider are all numbers or all words, got {self.values!r}")
        return float if array.dtype.kind == "f" else int

    @property
    def first(self) -> int:
        """The index where the slider starts."""
        if self.start is None:
            return 0
        if self.kind is str or isinstance(self.start, str):
            if self.start not in self.values:
                raise ValueError(f"start {self.start!r} is none of the values {self.values!r}")
            return self.values.index(self.start)
        numbers = np.asarray(self.values)
        if not numbers[0] <= self.start <= numbers[-1]:
            raise ValueError(f"start {self.start!r} lies outside the values {numbers[0]} to {numbers[-1]}")
        return int(np.argmin(np.abs(numbers - self.start)))

    def text(self, value: Value) -> str:
        """A value as the label says it, with a true minus sign."""
        written = (self.format or ("{:.2f}" if self.kind is float else "{}")).format(value)
        return written if self.kind is str else written.replace("-", "−")

    def texts(self) -> tuple[str, ...]:
        """All values as the label says them."""
        return tuple(self.text(value) for value in self.values)

    def named(self, name: str) -> Axis:
        """The same axis with a label: its own, else the parameter's name."""
        return Axis(self.values, self.label or _spell(name), self.format, self.start)


def _spell(name: str) -> str:
    try:
        return unicodedata.lookup(f"GREEK SMALL LETTER {name.rstrip('_')}")
    except KeyError:
        return name.replace("_", " ").strip()
