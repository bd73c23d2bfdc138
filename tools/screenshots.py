"""Pictures of every page as readers meet it: light and dark, 1100 and 390 pixels wide.

python tools/screenshots.py            from _build/html into screenshots/
python tools/screenshots.py HTML OUT   from and into other folders
python tools/screenshots.py HTML OUT training   only pages with this in their name
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
from browser import LAUNCH, pages  # noqa: E402

WIDTHS = (1100, 390)
THEMES = ("light", "dark")
TALLEST = 16_000  # pixels; Chromium draws no higher bitmap


def shoot(page: Page, target: Path) -> None:
    """The whole page, figures drawn and formulas set."""
    page.wait_for_function("!window.MathJax?.startup?.promise || MathJax.startup.promise.then(() => true)")
    height = page.evaluate("document.documentElement.scrollHeight")
    width = page.viewport_size["width"]
    page.screenshot(path=target, clip={"x": 0, "y": 0, "width": width, "height": min(height, TALLEST)},
                    full_page=True)  # fmt: skip


def main() -> None:
    """Take the pictures and say where they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("html", type=Path, nargs="?", default=ROOT / "_build" / "html")
    parser.add_argument("out", type=Path, nargs="?", default=ROOT / "screenshots")
    parser.add_argument("name", nargs="?", default="")
    given = parser.parse_args()
    given.html = given.html.resolve()
    given.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, playwright.chromium.launch(**LAUNCH) as browser:
        for width in WIDTHS:
            for theme in THEMES:
                context = browser.new_context(
                    viewport={"width": width, "height": 800}, color_scheme=theme, reduced_motion="reduce"
                )
                for path in pages(given.html):
                    if given.name in path.stem:
                        page = context.new_page()
                        page.set_default_timeout(180_000)
                        page.goto(path.as_uri())
                        shoot(page, given.out / f"{path.stem}-{theme}-{width}.png")
                        page.close()
                context.close()
    print(f"{len(list(given.out.glob('*.png')))} pictures in {given.out}")


if __name__ == "__main__":
    main()
