"""Notebooks in a running JupyterLab: a slider moves, a kernel draws anew; dragged points reach Python."""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from built_book import ROOT

from conftest import Watch

pytestmark = pytest.mark.site
TOKEN = "book"
LABORATORY = [
    "import epbook as ep\nx, y = ep.data.relu_teacher()\nlab = ep.laboratory(x, y, width=10, seed=3)\nlab",
    "runs = ep.train_many([2, 10], 2, lab.x, lab.y, steps=2000, lr=0.05)\n"
    "print('moved', (lab.y - y).abs().ravel().gt(0.1).nonzero().ravel().tolist(), runs.status)",
    "lab.widget.y = [0.25] * 20\nprint('put')",
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on a copy of the first page's notebook, and on one with a laboratory; its address."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "work").mkdir()
    shutil.copy(ROOT / "book" / "intro.ipynb", folder / "work")
    cells = [nbformat.v4.new_code_cell(source) for source in LABORATORY]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata=metadata), folder / "work" / "laboratory.ipynb"
    )
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


def test_points_that_are_dragged_reach_python_and_go_into_training(lab, browser):
    context = browser.new_context(viewport={"width": 1300, "height": 2400})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.watch = Watch(page)
    page.goto(f"{lab}/lab/workspaces/points/tree/laboratory.ipynb?token={TOKEN}")
    page.get_by_text("| Idle").wait_for()
    ready = "document.querySelector('.ep-lab-live')?.dataset.lines === '3'"

    def run(number, shown):
        page.locator(".jp-Notebook-cell .jp-InputArea-editor").nth(number).click()
        page.keyboard.press("Shift+Enter")
        said = page.locator(".jp-OutputArea-output pre", has_text=shown)
        return said.last.inner_text() if shown else None

    run(0, None)
    page.wait_for_function(ready)
    box = page.locator(".ep-lab-point circle").nth(4).bounding_box()
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    page.mouse.down()
    page.mouse.move(box["x"] + 3, box["y"] - 60, steps=4)
    page.mouse.up()
    page.wait_for_function(ready)  # the hand rests: what it left is told
    assert run(1, "moved").strip() == "moved [4] finished"
    run(2, "put")
    shown = "[...document.querySelectorAll('.ep-lab-point')].map(p => p.ariaValueNow)"
    page.wait_for_function(f"{shown}.every(v => v === '0.25')")
    assert page.watch.errors == []
    home = re.escape(lab.replace("127.0.0.1", "localhost")) + "|" + re.escape(lab)
    assert [u for u in page.watch.asked if not re.match(f"{home}|data:|blob:", u)] == []
    context.close()
