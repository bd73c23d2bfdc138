"""The laboratory and a page with a slider in Firefox, which has another engine than Chromium."""

import matplotlib
import numpy as np
import pytest
from firefox import Firefox, path
from lab_cases import document

import epbook as ep
from epbook.page import subplots

pytestmark = pytest.mark.site
LAB = "document.querySelector('.ep-lab-live')"
POINT = "document.querySelectorAll('.ep-lab-point')[4]"
VALUE = f"+{POINT}.getAttribute('aria-valuenow')"


@pytest.fixture(scope="module")
def fox(tmp_path_factory):
    """Firefox, and the page with a laboratory and a slider of its own."""
    if path() is None:
        pytest.skip("no Firefox on PATH: apt-get install firefox-esr")
    folder = tmp_path_factory.mktemp("firefox")

    def curve(phase):
        figure, axes = subplots(figsize=(4, 2))
        axes.plot(np.sin(np.linspace(0, 6, 50) + phase))
        return figure

    with matplotlib.rc_context():
        ep.page.use_style()
        lab = ep.laboratory(*ep.data.relu_teacher(), seed=2)
        slider = ep.explore(curve, phase=ep.Axis(np.linspace(0, 1, 3), format="{:.1f}"), alt="A wave.")
        (folder / "lab.html").write_text(document(lab), encoding="utf-8")
        (folder / "slider.html").write_text(document(slider), encoding="utf-8")
    (folder / "profile").mkdir()
    firefox = Firefox(folder / "profile")
    firefox.pages = folder
    yield firefox
    firefox.close()


def test_the_laboratory_computes_what_the_package_does(fox):
    fox.goto((fox.pages / "lab.html").as_uri())
    fox.wait_for(f"{LAB}?.dataset.lines === '3'")
    runs = ep.train_many([50], [2], *ep.data.relu_teacher(), steps=370_000, lr=0.05)
    rests = fox.evaluate(f"JSON.parse({LAB}.dataset.rests)")
    assert len(rests) >= 2
    steps, losses = runs.losses(50, 2)
    for rest in rests:  # the starts differ in the last place
        ours = np.log10(losses[steps == rest["step"]])
        assert abs(ours - rest["level"]) < 1e-3


def test_a_point_is_dragged_and_moved_by_keys(fox):
    fox.goto((fox.pages / "lab.html").as_uri())
    fox.wait_for(f"{LAB}?.dataset.lines === '3'")
    before, run = fox.evaluate(VALUE), fox.evaluate(f"+{LAB}.dataset.run")
    box = fox.evaluate(f"{POINT}.querySelector('circle').getBoundingClientRect()")
    fox.drag((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), (0, -60))
    dragged = fox.evaluate(VALUE)
    assert dragged > before + 0.2
    fox.press("ArrowUp")  # the point has the focus
    assert fox.evaluate(VALUE) == pytest.approx(dragged + 0.02, abs=0.011)  # two decimals are shown
    fox.wait_for(f"+{LAB}.dataset.run > {run} + 1 && {LAB}.dataset.lines === '3'")


def test_a_slider_moves_by_keys(fox):
    fox.goto((fox.pages / "slider.html").as_uri())
    shown = "document.querySelector('.ep-explore .ep-value').textContent"
    frame = """[...document.querySelectorAll('.ep-explore .ep-frame')]
        .findIndex(each => each.getClientRects().length)"""
    fox.evaluate("document.querySelector('.ep-explore input').focus()")
    before = fox.evaluate(shown), fox.evaluate(frame)
    fox.press("ArrowRight")
    assert fox.evaluate(shown) != before[0]
    assert fox.evaluate(frame) != before[1]


def test_nothing_fails_and_nobody_is_asked(fox):
    assert fox.said() == []
    assert {url.split(":")[0] for url in fox.asked()} <= {"file", "blob", "data"}
