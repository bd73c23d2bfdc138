"""How this project starts Chromium, and which pages a built book has."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """The path of an installed Chromium: $CHROMIUM, else the first one on PATH."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


# For playwright's launch(): playwright's own download is not needed.
LAUNCH = {"executable_path": chromium(), "args": FLAGS}


def pages(html: Path) -> list[Path]:
    """The pages of a built book that a reader can reach, the index of search words among them.

    Raises FileNotFoundError where there is no built book.
    """
    if not (html / "index.html").exists():
        raise FileNotFoundError(f"no built book in {html}: run `make book` first")
    found = sorted(html.rglob("*.html"))
    return [
        path for path in found if "_static" not in path.relative_to(html).parts and path.name != "index.html"
    ]
