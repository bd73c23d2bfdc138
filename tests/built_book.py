"""Where the built book lies, and the pages that its table of contents promises."""

import os
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
HTML = Path(os.environ.get("EPBOOK_HTML", ROOT / "_build" / "html"))
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
# The pages of the reference lie below a chapter; all pages as one reads them.
REFERENCE = [f"{page['file']}.html" for entry in TOC["chapters"] for page in entry.get("sections", [])]
READING = [f"{TOC['root']}.html"]
for entry in TOC["chapters"]:
    READING += [f"{entry['file']}.html", *(f"{page['file']}.html" for page in entry.get("sections", []))]
CHAPTERS = [f"{name}.html" for name in [TOC["root"], *(entry["file"] for entry in TOC["chapters"])]]
PAGES = [*CHAPTERS, "search.html"]
# Every file of HTML: also the address of the book itself, which leads on, and what lost readers see.
ENTRIES = [*READING, "search.html", "index.html", "404.html"]
