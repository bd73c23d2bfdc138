"""Compiled kernels kept on disk for as long as no line of their code changes, and not longer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba

from epbook.store import digest

config: Any = numba.config
# The files of this room that have kernels: an edit of another one compiles nothing anew.
KERNELS = ("fused", "relu_line", "relu_neurons", "relu_patterns", "relu_steps", "sparse")
SOURCES = tuple(Path(__file__).with_name(f"{name}.py") for name in KERNELS)


@contextmanager
def compiled_once(*sources: Path) -> Iterator[None]:
    """While it lasts, numba stores kernels under a name made of these source files, beside the first of them.

    numba itself looks at the file of a kernel alone: after an edit of a function that the kernel calls in
    another file, it would go on with the old one.
    """
    before = config.CACHE_DIR
    config.CACHE_DIR = str(
        Path(before or sources[0].parent / "__pycache__") / f"kernels-{digest(*sources)[:16]}"
    )
    try:
        yield
    finally:
        config.CACHE_DIR = before
