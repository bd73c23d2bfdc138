"""Sphinx extension: no page ever shows the output of code that has since been edited.

Two caches stand between a notebook and its page, and neither looks into `epbook/`: executed notebooks are
found again by their own cells alone, and pages whose source is unchanged are not read again. So the folder
of executed notebooks is named after a hash of everything a cell may import. Its name is a setting of the
build: when it changes, every page is read again too.

A build that ended with a warning is remembered as unfinished: its pages are read again by the next build,
which would otherwise pass in silence, because Sphinx reports a page's warnings only when it reads the page.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

CACHES = ".jupyter_cache"
UNFINISHED = "unfinished"


def digest(root: Path) -> str:
    """Hash of the names and contents of epbook/** and requirements.txt under `root`."""
    files = [path for path in (root / "epbook").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    state = hashlib.sha256()
    for path in sorted([*files, root / "requirements.txt"]):
        content = path.read_bytes() if path.exists() else b""
        state.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        state.update(content)
    return state.hexdigest()[:16]


def start(app: Sphinx, config: Config) -> None:
    """Name the cache after the code, and forget the pages of a build that did not end well."""
    cache = Path(app.outdir).parent / CACHES / digest(Path(app.srcdir))
    config.nb_execution_cache_path = str(cache)
    marker = Path(app.doctreedir) / UNFINISHED
    if marker.exists():
        shutil.rmtree(app.doctreedir)
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Keep what was built only where nothing was warned of and the code stood still meanwhile."""
    cache = Path(app.config.nb_execution_cache_path)
    if cache.name != digest(Path(app.srcdir)):
        shutil.rmtree(cache, ignore_errors=True)
    elif exception is None and app._warncount == 0:
        (Path(app.doctreedir) / UNFINISHED).unlink()
        for other in cache.parent.iterdir():
            if other != cache:
                shutil.rmtree(other)


def setup(app: Sphinx) -> dict[str, bool]:
    """Join the build before its settings are read and after its last page is written."""
    app.connect("config-inited", start)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
