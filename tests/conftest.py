"""The built book in a browser; where there is none, the checks fail in `make test` and CI, else skip."""

import os

import pytest
from built_book import HTML

from tools.browser import LAUNCH


def missing(what):
    """Fail where the checks are asked for, skip where somebody merely runs pytest."""
    asked = {"CI", "MAKELEVEL"} & os.environ.keys()
    (pytest.fail if asked else pytest.skip)(f"{what}: run `make test`, which builds the book first")


@pytest.fixture(scope="session")
def html():
    """The folder of the built book."""
    if not (HTML / "index.html").exists():
        missing(f"no built book in {HTML}")
    return HTML


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all checks of a worker."""
    if LAUNCH["executable_path"] is None:
        missing("no Chromium on PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**LAUNCH)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser, html):
    """visit('book/intro.html', width=390, dark=True, touch=True): the page, its formulas set."""
    contexts = []

    def open_page(name, *, width=1100, dark=False, touch=False, watch=None):
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            has_touch=touch,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)  # the machine may be busy
        if watch is not None:
            watch(page)
        file, _, query = name.partition("?")
        page.goto((html / file).as_uri() + ("?" + query if query else ""))
        page.evaluate("window.MathJax?.startup?.promise.then(() => null)")
        return page

    yield open_page
    for context in contexts:
        context.close()
