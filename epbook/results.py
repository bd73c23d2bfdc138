"""What searches and trainings return: results that can be compared, and one way to say that they failed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor, nn


class DivergedError(RuntimeError):
    """Something was asked of a result that its training or search never reached.

    Source: the conventions of the whole book.
    """


class DivergenceWarning(UserWarning):
    """A training left the finite numbers; its result says where.

    Source: the conventions of the whole book.
    """


@dataclasses.dataclass(frozen=True, eq=False)
class Result:
    """A frozen dataclass that compares by value, tensors, arrays and networks included.

    Derive with `@dataclass(frozen=True, eq=False)`. Results are not hashable, as arrays are not.
    Source: the conventions of the whole book.

    >>> @dataclasses.dataclass(frozen=True, eq=False)
    ... class Curve(Result):
    ...     losses: np.ndarray
    >>> Curve(np.ones(3)) == Curve(np.ones(3)), Curve(np.ones(3)) == Curve(np.zeros(3))
    (True, False)
    """

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(
            equal(getattr(self, field.name), getattr(other, field.name))
            for field in dataclasses.fields(self)
            if field.compare
        )


def equal(one: object, other: object) -> bool:
    """Whether two values are the same to the last bit; NaN equals NaN, as in a result read twice.

    Networks are equal where their modules print alike and hold equal parameters and buffers. Raises nothing
    of its own. Source: the conventions of the whole book.

    >>> import torch
    >>> equal([np.nan, torch.ones(2)], [np.nan, torch.ones(2)])
    True
    """
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.dtype == other.dtype and equal(one.detach().cpu().numpy(), other.detach().cpu().numpy())
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.shape == other.shape and bool(np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"))
    if isinstance(one, nn.Module) and isinstance(other, nn.Module):
        return repr(one) == repr(other) and equal(dict(one.state_dict()), dict(other.state_dict()))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, float) and isinstance(other, float) and one != one:
        return other != other
    if type(one) is not type(other):
        return False
    if isinstance(one, Sequence) and isinstance(other, Sequence) and not isinstance(one, str | bytes):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)
