"""Where the laboratory may find itself: under a policy that forbids Workers, and in anywidget's hands."""

import json

import matplotlib
import pytest
from lab_cases import document

import epbook as ep
from conftest import Watch

pytestmark = pytest.mark.site
READY = "document.querySelector('.ep-lab-live')?.dataset.lines === '3'"


@pytest.fixture(scope="module")
def brief():
    with matplotlib.rc_context():
        ep.page.use_style()
        lab = ep.laboratory(*ep.data.relu_teacher(), brief=True, width=7)
        assert lab.drawn
        yield lab


POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'"


@pytest.mark.parametrize(("allowed", "alive"), [("; worker-src blob:", True), ("", False)])
def test_where_a_policy_forbids_workers_the_drawing_stays(browser, brief, tmp_path, allowed, alive):
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}{allowed}">'
    page, path = browser.new_page(), tmp_path / "strict.html"
    path.write_text(document(brief).replace("<title>", f"{policy}<title>"), encoding="utf-8")
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    if alive:
        page.wait_for_function(READY)
    else:
        page.wait_for_function("document.querySelector('.ep-lab[data-ready]')")
        page.wait_for_timeout(500)
        assert any("stays a drawing" in text for text in said)
    assert page.locator(".ep-lab-live").count() == alive
    assert page.locator(".ep-lab-drawn").is_visible() == (not alive)
    page.close()


# What anywidget gives a module in JupyterLab, VS Code and Colab: a model of six methods, and an element.
HOST = """async source => {
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const values = SETTINGS, told = [], { default: widget } = await import(address);
    window.heard = { told, widget, end: null };
    const model = {
        get: name => values[name], set: (name, value) => { values[name] = value; told.push(name); },
        save_changes: () => told.push("saved"), on() {}, off() {}, send() {},
    };
    document.body.replaceChildren(document.createElement("div"));
    heard.end = await widget.render({ model, el: document.body.firstChild });
}"""


def test_the_module_of_a_live_kernel_stands_alone_and_leaves_nothing_behind(browser, brief):
    widget = brief.widget
    assert "import " not in "".join(line for line in widget._esm.splitlines() if line.startswith("import"))
    page = browser.new_page()
    page.watch = Watch(page)
    page.goto("about:blank")
    page.evaluate(HOST.replace("SETTINGS", json.dumps(brief.settings)), widget._esm)
    page.wait_for_function(READY)
    assert {url.split(":")[0] for url in page.watch.asked} <= {"about", "blob", "data"}
    page.locator(".ep-lab-point").nth(3).focus()
    page.keyboard.press("PageUp")
    page.wait_for_function("heard.told.join() === 'y,saved'")
    assert len(page.workers) > 0
    page.evaluate("heard.end()")
    page.wait_for_function("!document.querySelector('.ep-lab-live')")
    end = page.evaluate("performance.now()") + 30_000
    while page.workers and page.evaluate("performance.now()") < end:
        page.wait_for_timeout(50)
    assert page.workers == []
    assert page.watch.errors == []
    page.close()
