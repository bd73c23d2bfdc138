"""Plain values that functions are given, in one form; errors name the value and what is expected."""

from __future__ import annotations

import contextlib
import math
import operator
from collections.abc import Callable, Iterable
from typing import SupportsIndex

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset


def in_pieces(values: object) -> str:
    """What to do with data that come in pieces, as the end of a message; nothing for other values.

    Raises nothing of its own. Source: PyTorch's data loaders, whose batches are pairs (x, y).

    >>> in_pieces(DataLoader([1.0]))
    ': put its batches together first, x, y = map(torch.cat, zip(*loader))'
    """
    if isinstance(values, DataLoader):
        return ": put its batches together first, x, y = map(torch.cat, zip(*loader))"
    if isinstance(values, Dataset):
        return ": put its samples together first, x, y = map(torch.stack, zip(*dataset))"
    return ""


def table(data: Tensor, name: str) -> np.ndarray:
    """Finite data as a float64 array of its own.

    data: (points, dimensions), not empty. Returns the same numbers, (points, dimensions). Raises ValueError.
    Source: the conventions of the book.

    >>> table(torch.ones(2, 1), "x").shape
    (2, 1)
    """
    try:
        tensor = torch.as_tensor(data).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        cure = in_pieces(data)
        got = f"{type(data).__name__}{cure}" if cure else f"{data!r:.80}"
        raise ValueError(f"{name} must be a table of numbers, got {got}") from error
    if tensor.is_complex():
        raise ValueError(f"{name} must be real, got {tensor.dtype}")
    array = tensor.to("cpu", torch.float64).numpy().copy()
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"{name} must have shape (points, dimensions) and not be empty, got {array.shape}")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        row, column = bad[0]
        raise ValueError(f"{name}[{row}, {column}] is {array[row, column]}; all values must be finite")
    return array


def whole(value: object, name: str, least: int = 0, *, said: str | None = None) -> int:
    """A whole number of at least `least`, as an int; 3.0 and NumPy's integers are whole too, True is not.

    said: how the message puts what is expected. Raises ValueError. Source: the conventions of the book.

    >>> whole(np.int64(3), "width", 1), whole(3.0, "width", 1)
    (3, 3)
    """
    number: int | None = None
    if isinstance(value, float | np.floating):
        number = int(value) if float(value).is_integer() else None
    elif isinstance(value, SupportsIndex) and not isinstance(value, bool | np.bool_):
        with contextlib.suppress(TypeError):  # a table of several numbers
            number = operator.index(value)
    if number is None or not least <= number < 2**63:
        raise ValueError(f"{name} must be {said or f'a whole number of at least {least}'}, got {value!r:.80}")
    return number


def choice(value: str, name: str, options: Iterable[str]) -> str:
    """One of the words that an option takes. Raises ValueError that lists them.

    Source: the conventions of the book.

    >>> choice("loss", "height", ["loss", "gradient"])
    'loss'
    """
    known = list(options)
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r:.80}")
    return value


def between(value: float, name: str, low: float, high: float) -> float:
    """A number in [low, high], as a float. Raises ValueError. Source: the conventions of the book.

    >>> between(0.9, "similarity", 0, 1)
    0.9
    """
    number = _number(value)
    if not low <= number <= high:
        raise ValueError(f"{name} must lie between {low:g} and {high:g}, got {value!r:.80}")
    return number


def finite(value: float, name: str) -> float:
    """A finite number, as a float. Raises ValueError. Source: the conventions of the book.

    >>> finite(1, "alpha")
    1.0
    """
    number = _number(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, got {value!r:.80}")
    return number


def _number(value: float) -> float:
    """The value as a float; NaN for what is no number, text and truth values included."""
    try:
        return math.nan if isinstance(value, bool | np.bool_ | str) else float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return math.nan


def several(values: Iterable[int], name: str, least: int, *, empty: bool = False) -> tuple[int, ...]:
    """Different whole numbers of at least `least`. Raises ValueError. Source: the conventions of the book.

    >>> several([2, 3.0], "widths", 1)
    (2, 3)
    """
    try:
        found = tuple(whole(value, name, least) for value in values)
    except TypeError as error:  # not iterable
        raise ValueError(f"{name} must be a collection of whole numbers, got {values!r}") from error
    if not found and not empty:
        raise ValueError(f"{name} is empty")
    if len(set(found)) < len(found):
        raise ValueError(f"{name} repeats a value: {found}")
    return found


def numbers_from(seeds: Iterable[int] | int) -> Iterable[int]:
    """0 to n − 1 for a number n, a collection as it is.

    Raises ValueError where n is no whole number above 0. Source: the conventions of the book.

    >>> list(numbers_from(3)), numbers_from([5, 7])
    ([0, 1, 2], [5, 7])
    """
    return seeds if isinstance(seeds, Iterable) else range(whole(seeds, "seeds", 1))


def positive(value: float, name: str) -> float:
    """A positive finite number. Raises ValueError. Source: the conventions of the book.

    >>> positive(1, "lr")
    1.0
    """
    number = _number(value)
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be positive and finite, got {value!r:.80}")
    return number


def interval(value: tuple[float, float] | None, name: str) -> tuple[float, float] | None:
    """(low, high) with 0 ≤ low ≤ high, or None. Raises ValueError. Source: the conventions of the book.

    >>> interval([0, 1], "keep_band")
    (0.0, 1.0)
    """
    if value is None:
        return None
    try:
        low, high = map(float, value)
    except (TypeError, ValueError):
        low = high = math.nan
    if not 0 <= low <= high:
        raise ValueError(f"{name} must be (low, high) with 0 ≤ low ≤ high, got {value!r}")
    return low, high


def spread(std: Callable[[int], float] | float | None, width: int) -> float:
    """The standard deviation of the parameters at width m: m**-2 for None. Raises ValueError.

    Source: textbook section 1.1, the condensed regime.

    >>> spread(None, 10), spread(lambda m: m**-0.5, 4), spread(0.3, 4)
    (0.01, 0.5, 0.3)
    """
    if std is None:
        return float(width) ** -2
    value = std(width) if callable(std) else std
    number = _number(value)
    if not 0 <= number < math.inf:
        raise ValueError(f"std must be finite and not negative, got {value!r} for width {width}")
    return number
