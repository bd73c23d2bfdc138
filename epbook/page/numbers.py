"""Numbers in prose and tables, with a true minus sign, that do not break over two lines."""

from __future__ import annotations

from collections.abc import Iterable

JOINER = "\u2060"  # a word joiner: no line may end here


def decimal(value: float, digits: int = 2) -> str:
    """A number with so many decimals and a true minus sign.

    value: any number; digits: decimals. Raises TypeError or ValueError as `format` does.
    Source: the conventions of the whole book.

    >>> decimal(-3.16249, 3)
    '−3.162'
    """
    return f"{value:.{digits}f}".replace("-", "−")


def decimals(values: Iterable[float], digits: int = 2) -> str:
    """Several of them, with commas.

    Raises as `decimal`. Source: the conventions of the whole book.

    >>> decimals([-1.5, 2], 1)
    '−1.5, 2.0'
    """
    return ", ".join(decimal(value, digits) for value in values)


def scientific(value: float, digits: int = 1) -> str:
    """A number as 1.2e−3, which no line break splits.

    value: any number; digits: decimals of the mantissa. Raises TypeError or ValueError as `format` does.
    Source: the conventions of the whole book.

    >>> scientific(6.92e-4, 1).replace(JOINER, "")
    '6.9e−4'
    """
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", f"{JOINER}−")
