"""Numbers that the prose of a page quotes: computed in a cell, never typed."""

from __future__ import annotations

import sys

import numpy as np


def glue(**values: int | float | str) -> None:
    """Hand computed values to the prose of the same page.

    After `ep.glue(loss=...)` the text {glue:text}`loss:.4f` prints the value to four decimals.

    values: plain numbers or strings by name; NumPy scalars and tensors or arrays of one element are turned
    into plain numbers. Outside a notebook, or where myst_nb is not installed (Colab), nothing is recorded:
    only the built page reads glued values.
    Raises TypeError that names the key where a value is anything else (a figure, a list, None): a glued
    object would not survive the way onto the page. Source: the conventions of the whole book.

    >>> glue(width=2, loss=6.92e-4, regime="condensed")
    """
    plain = {name: _plain(name, value) for name, value in values.items()}
    notebooks = sys.modules.get("IPython")  # in a notebook it is loaded, elsewhere it need not be installed
    if notebooks is None or notebooks.get_ipython() is None:
        return
    try:
        from myst_nb import glue as to_page  # a tool of the build, which Colab does not have
    except ImportError:
        return
    for name, value in plain.items():
        to_page(name, value, display=False)


def _plain(name: str, value: object) -> int | float | str:
    """The value as a Python int, float or str."""
    if isinstance(value, np.generic) or (hasattr(value, "item") and getattr(value, "ndim", None) == 0):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"{name} must be a number or a string, got {type(value).__name__}: {value!r:.60}")
    return value
