"""The book as one PDF, printed by Chromium from a single page of the same sources.

    python tools/pdf.py            _build/pdf/embedding-principle.pdf
    python tools/pdf.py OUT.pdf

Sliders show the value they start from. The cached outputs of `make book` are used again. A site that was
built before gets the PDF too, and its pages the link that leads to it.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "web")]
import pdf_link  # noqa: E402
from browser import LAUNCH  # noqa: E402

STYLE = "width:100%;font:9px sans-serif;color:#57606a;text-align:center"
FOOTER = f'<div style="{STYLE}"><span class="pageNumber"></span></div>'


def build(source: Path, build_folder: Path) -> Path:
    """The whole book as one HTML page; the file."""
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    command = [jupyter_book, "build", source, "--path-output", build_folder.parent, "--builder", "custom"]
    command += ["--custom-builder", "singlehtml", "-n", "-W", "--keep-going"]
    subprocess.run(command, check=True)
    root = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf-8"))["root"]
    # Sphinx puts the page into the root document's folder, but links as if it lay at the top.
    folder = build_folder / "singlehtml"
    page_file = folder / "print.html"
    page_file.write_text(links_within((folder / f"{root}.html").read_text("utf-8"), root), encoding="utf-8")
    return page_file


def links_within(page: str, root: str) -> str:
    """The single page with links to its own places, where Sphinx links to files that a PDF does not have.

    What has no name Sphinx numbers anew in each document, so that the one page has "id6" many times. Links
    lead to such a number in the bibliography alone; its entries get names of their own.
    """
    page = re.sub(r'(<div class="citation"[^>]* id=")(id\d+")', r"\1entry-\2", page)
    page = re.sub(rf'href="{root}\.html#(id\d+")', r'href="#entry-\1', page)
    page = page.replace(f'href="{root}.html#', 'href="#')
    return re.sub(r'href="(\w+)\.html"', rf'href="#document-{Path(root).parent}/\1"', page)


def print_pdf(page_file: Path, target: Path) -> None:
    """Print one page to A4, its formulas set, everything folded opened."""
    with sync_playwright() as playwright, playwright.chromium.launch(**LAUNCH) as browser:
        page = browser.new_page(color_scheme="light", reduced_motion="reduce")
        page.set_default_timeout(600_000)
        page.goto(page_file.as_uri())
        page.evaluate("window.MathJax?.startup?.promise.then(() => null)")
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        page.emulate_media(media="print")
        page.pdf(
            path=target,
            format="A4",
            scale=0.85,
            margin={"top": "18mm", "bottom": "18mm", "left": "18mm", "right": "18mm"},
            print_background=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOTER,
            outline=True,
            tagged=True,
        )


def offer(pdf: Path, html: Path) -> None:
    """Lay the PDF beside the pages, and the link to it on each; if there are pages."""
    if (html / "index.html").exists():
        shutil.copyfile(pdf, html / pdf_link.NAME)
        pdf_link.link(html)


def main() -> None:
    """Build, print, and say where the PDF is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", default=ROOT / "_build" / "pdf" / pdf_link.NAME)
    out = parser.parse_args().out
    page_file = build(ROOT, ROOT / "_build")
    out.parent.mkdir(parents=True, exist_ok=True)
    print_pdf(page_file, out)
    offer(out, ROOT / "_build" / "html")
    print(out)


if __name__ == "__main__":
    main()
