"""One progress bar for all long work: where somebody watches, and nowhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib.util import find_spec

from tqdm import tqdm

# Set by the servers behind JupyterLab and Notebook, by VS Code and by Colab; unset where a book is built or
# tested, whose kernels have no watcher and whose pages take anything on stderr for an error.
WATCHERS = ("JPY_SESSION_NAME", "VSCODE_PID", "COLAB_RELEASE_TAG")


def watched() -> bool:
    """Whether a reader sits before this kernel, as one does in JupyterLab, VS Code or Colab.

    Raises nothing of its own. Source: the conventions of the whole book.

    >>> watched()
    False
    """
    return "ipykernel" in sys.modules and any(name in os.environ for name in WATCHERS)


def progress(
    items: Iterable | None = None, *, label: str, total: int | None = None, initial: int = 0
) -> tqdm:
    """A tqdm bar in a terminal or a live notebook, silent in a build; appears after one second.

    items: what to loop over, or None to call `update` oneself; total, initial: number of steps in all, and
    done before. Raises nothing of its own. Source: the conventions of the whole book.

    >>> sum(progress([1, 2, 3], label="adding"))
    6
    """
    options = {"desc": label, "total": total, "initial": initial, "delay": 1, "mininterval": 0.3}
    if watched() and find_spec("ipywidgets"):  # the bars of a notebook are widgets
        from tqdm.notebook import tqdm as notebook_bar

        return notebook_bar(items, **options)
    return tqdm(items, disable=None, **options)
