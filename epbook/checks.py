"""What `train_many` accepts, brought into one form, with errors that name the offending value."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn

from epbook.activations import KNOWN
from epbook.training.fused import ACTIVATIONS


def table(data: Tensor, name: str) -> np.ndarray:
    """Finite data of shape (points, dimensions) as a float64 array of its own."""
    try:
        tensor = torch.as_tensor(data).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} must be a table of numbers, got {data!r:.80}") from error
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


def whole(value: int, name: str, least: int) -> int:
    """A whole number of at least `least`; 3.0 and NumPy's integers are whole too, True is not."""
    number = None if isinstance(value, bool | np.bool_) else value
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    try:
        number = operator.index(number)
    except TypeError:
        number = None
    if number is None or not least <= number < 2**63:
        raise ValueError(f"{name} must be whole numbers of at least {least}, got {value!r}")
    return number


def several(values: Iterable[int], name: str, least: int, *, empty: bool = False) -> tuple[int, ...]:
    """Different whole numbers of at least `least`."""
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
    """range(n) for a number n, everything else as it is."""
    try:
        return range(operator.index(seeds)) if not isinstance(seeds, bool | np.bool_) else seeds
    except TypeError:
        return seeds


def positive(value: float, name: str) -> float:
    """A positive finite number."""
    try:
        number = math.nan if isinstance(value, bool | str) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be positive and finite, got {value!r:.80}")
    return number


def interval(value: tuple[float, float] | None, name: str) -> tuple[float, float] | None:
    """(low, high) with 0 ≤ low ≤ high, or None."""
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
    """The standard deviation of the parameters at this width: m**-2 for None."""
    if std is None:
        return float(width) ** -2
    value = std(width) if callable(std) else std
    try:
        number = math.nan if isinstance(value, bool | str) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise ValueError(f"std must be finite and not negative, got {value!r} for width {width}")
    return number


def module_of(activation: str | type[nn.Module]) -> type[nn.Module]:
    """The class of an activation that is given by name or class."""
    for module, facts in KNOWN.items():
        if activation in (module, facts.name) and facts.name in ACTIVATIONS:
            return module
    raise ValueError(f"unknown activation {activation!r}: known are {', '.join(ACTIVATIONS)}")
