"""The book as one PDF, printed by Chromium from a single page of the same sources.

    python tools/pdf.py            _build/pdf/embedding-principle.pdf
    python tools/pdf.py OUT.pdf

Sliders show the value they start from. The cached outputs of `make book` are used again. Chinese terms need a
Chinese font on the machine (Debian: fonts-noto-cjk); without one this says so and prints boxes.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
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
    return Path(shutil.copyfile(folder / f"{root}.html", folder / "print.html"))


def has_chinese_font() -> bool:
    """Whether this machine can draw Chinese characters; True where it cannot be asked."""
    tool = shutil.which("fc-list")
    return tool is None or bool(subprocess.run([tool, ":lang=zh"], capture_output=True, check=True).stdout)


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


def main() -> None:
    """Build, print, and say where the PDF is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "out", type=Path, nargs="?", default=ROOT / "_build" / "pdf" / "embedding-principle.pdf"
    )
    out = parser.parse_args().out
    page_file = build(ROOT, ROOT / "_build")
    out.parent.mkdir(parents=True, exist_ok=True)
    print_pdf(page_file, out)
    if not has_chinese_font():
        print("No Chinese font is installed: the Chinese terms are printed as boxes.", file=sys.stderr)
    print(out)


if __name__ == "__main__":
    main()
