"""A notebook of the book in a running JupyterLab: the slider moves, and a real kernel draws anew."""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request

import pytest
from built_book import ROOT

pytestmark = pytest.mark.site
TOKEN = "book"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on a copy of the first page's notebook; its address."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "work").mkdir()
    shutil.copy(ROOT / "book" / "intro.ipynb", folder / "work")
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--port=0"]
    command += [f"--ServerApp.root_dir={folder / 'work'}", f"--IdentityProvider.token={TOKEN}"]
    command += ["--ServerApp.port_retries=0", "--LabApp.extension_manager=readonly"]
    # A fresh home: the settings of whoever runs the tests must not decide.
    homes = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    log = folder / "log"
    with log.open("w") as stream:
        server = subprocess.Popen(command, stdout=stream, stderr=stream, env={**os.environ, **homes})
    try:
        yield wait_for(server, log)
    finally:
        server.terminate()
        server.wait(20)


def wait_for(server, log, seconds=90):
    """The address of the server once it answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        found = re.search(r"http://(?:127\.0\.0\.1|localhost):\d+", log.read_text())
        if found:
            with urllib.request.urlopen(f"{found.group()}/api?token={TOKEN}", timeout=30) as answer:
                assert answer.status == 200
            return found.group()
        time.sleep(0.3)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}")


def test_the_slider_of_a_live_notebook_computes_anew(lab, browser):
    context = browser.new_context(viewport={"width": 1300, "height": 4000})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{lab}/lab/tree/intro.ipynb?token={TOKEN}")
    page.wait_for_selector(".jp-Notebook-cell")
    page.get_by_text("| Idle").wait_for()  # before that, Run All Cells runs nothing
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    picture = page.locator(".jp-OutputArea .widget-html svg.ep-svg").first
    picture.wait_for()
    # The live form only: the frames of the built page stay away where a kernel computes.
    assert page.locator(".jp-OutputArea .ep-explore").count() == 0
    before = picture.inner_html()
    handle = page.locator(".jp-OutputArea .noUi-handle").first
    label = page.locator(".jp-OutputArea .widget-label:not(.widget-inline-hlabel .widget-label)").last
    said = label.inner_text()
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("([e, html]) => e.isConnected && e.querySelector('svg').innerHTML !== html",
                           arg=[picture.locator("xpath=..").element_handle(), before])  # fmt: skip
    # One key press is a tenth of the way to the next frame, so the label, which has one decimal, stays while
    # the picture changes: only a kernel can have drawn it.
    assert label.inner_text() == said == "+0.3"
    after = picture.inner_html()
    page.keyboard.press("End")
    page.wait_for_function("([e, html]) => e.querySelector('svg').innerHTML !== html",
                           arg=[picture.locator("xpath=..").element_handle(), after])  # fmt: skip
    page.wait_for_function("([e, text]) => e.textContent !== text", arg=[label.element_handle(), said])
    assert label.inner_text() == "+2.0"
    assert page.locator(".jp-OutputArea .jp-RenderedText[data-mime-type*='stderr']").count() == 0
    context.close()
