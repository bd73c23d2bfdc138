"""Compiled kernels kept on disk for as long as no line of their code changes, and not longer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba

from epbook.store import digest

config: Any = numba.config


@contextmanager
def compiled_once(folder: Path) -> Iterator[None]:
    """While it lasts, numba stores kernels under a name made of all source files in `folder`.

    numba itself looks at the file of a kernel alone: after an edit of a function that the kernel calls in
    another file, it would go on with the old one.
    """
    before = config.CACHE_DIR
    config.CACHE_DIR = str(Path(before or folder / "__pycache__") / f"kernels-{digest(folder)[:16]}")
    try:
        yield
    finally:
        config.CACHE_DIR = before
