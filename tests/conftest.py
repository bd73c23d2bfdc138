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


class Watch:
    """What a page says and asks for while it loads."""

    def __init__(self, page):
        self.errors, self.asked, self.failed = [], [], []
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("requestfailed", lambda request: self.failed.append(request.url))


@pytest.fixture(scope="session")
def visit(browser, html):
    """visit('book/intro.html', phone=True): the page, its formulas set, and its Watch as `page.watch`.

    The views of one page are kept while checks ask for the same page, since loading is what takes long;
    so a check leaves the page as a reader might. Parametrise with scope="session", so that the checks of
    a page follow one another.
    """
    kept = {}

    def load(name, phone, dark, touch):
        context = browser.new_context(
            viewport={"width": 390 if phone else 1100, "height": 800},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            has_touch=touch,
        )
        page = context.new_page()
        page.set_default_timeout(120_000)  # the machine may be busy
        page.watch = Watch(page)
        file, _, query = name.partition("?")
        page.goto((html / file).as_uri() + ("?" + query if query else ""))
        page.evaluate("window.MathJax?.startup?.promise.then(() => null)")
        return page

    def open_page(name, *, phone=False, dark=False):
        if any(key[0] != name for key in kept):
            close()
        key = (name, phone, dark)
        if key not in kept:
            kept[key] = load(name, phone, dark, phone)
        kept[key].evaluate("scrollTo(0, 0)")
        return kept[key]

    def close():
        for page in kept.values():
            page.context.close()
        kept.clear()

    yield open_page
    close()
