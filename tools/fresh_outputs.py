"""Sphinx extension: no page ever shows the output of code that has since been edited.

Two caches stand between a notebook and its page, and neither looks into `epbook/`: executed notebooks are
found again by their own cells alone, and pages whose source is unchanged are not read again. So the folder
of executed notebooks is named after a hash of everything a cell may import. Its name is a setting of the
build: when it changes, every page is read again too. So it is when something in `web/` changes, where the
looks of the pages are made.

The other way round, what changes no output must run nothing again: notebooks are found by the code and the
tags of their cells. Captions and alternative texts are metadata of a cell too, but the notebook's own.

A build that ended with a warning is remembered as unfinished: its pages are read again by the next build,
which would otherwise pass in silence, because Sphinx reports a page's warnings only when it reads the page.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
from pathlib import Path

from jupyter_cache.cache.main import JupyterCacheBase
from sphinx.application import Sphinx
from sphinx.config import Config

CACHES = ".jupyter_cache"
UNFINISHED = "unfinished"
CODE = ("epbook", "requirements.txt")  # what a cell can import


def digest(root: Path, *names: str) -> str:
    """Hash of the names and contents of the files and of all files in the folders `names` under `root`."""
    state = hashlib.sha256()
    found = [path for name in names for path in (root / name, *(root / name).rglob("*"))]
    for path in sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts):
        content = path.read_bytes()
        state.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        state.update(content)
    return state.hexdigest()[:16]


def start(app: Sphinx, config: Config) -> None:
    """Name the cache after the code, and forget the pages of a build that did not end well."""
    cache = Path(app.outdir).parent / CACHES / digest(Path(app.srcdir), *CODE)
    config.nb_execution_cache_path = str(cache)
    config.looks = digest(Path(app.srcdir), "web")
    marker = Path(app.doctreedir) / UNFINISHED
    if marker.exists():
        shutil.rmtree(app.doctreedir)
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Keep what was built only where nothing was warned of and the code stood still meanwhile."""
    cache = Path(app.config.nb_execution_cache_path)
    if cache.name != digest(Path(app.srcdir), *CODE):
        shutil.rmtree(cache, ignore_errors=True)
    elif exception is None and app._warncount == 0:
        (Path(app.doctreedir) / UNFINISHED).unlink()
        for other in cache.parent.iterdir():
            if other.is_dir() and other != cache:
                shutil.rmtree(other)


def setup(app: Sphinx) -> dict[str, bool]:
    """Join the build before its settings are read and after its last page is written."""
    hashed, merged = JupyterCacheBase.create_hashed_notebook, JupyterCacheBase.merge_match_into_notebook
    JupyterCacheBase.create_hashed_notebook = functools.partialmethod(hashed, cell_metadata=("tags",))
    JupyterCacheBase.merge_match_into_notebook = functools.partialmethod(merged, cell_meta=())
    app.add_config_value("looks", "", "env", [str])
    app.connect("config-inited", start)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
