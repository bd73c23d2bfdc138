"""ep.explore in a live kernel: the widget, and whether a reader watches."""

import sys

import ipykernel
import numpy as np
import pytest
from explore_cases import line
from tqdm.notebook import tqdm_notebook

from epbook import explore
from epbook.page import use_style
from epbook.progress import WATCHERS, progress


@pytest.fixture(autouse=True)
def _style(monkeypatch):
    use_style()
    for name in WATCHERS:
        monkeypatch.delenv(name, raising=False)


def live(explorer):
    """The screen, the sliders, the labels, the play control and the error display of the widget."""
    screen, controls, errors = explorer.widget().children
    play, rows = controls.children
    sliders, labels = zip(*(row.children for row in rows.children), strict=True)
    return screen, sliders, labels, play, errors


def test_live_widget_draws_anew_between_the_frames():
    drawn = []

    def draw(alpha):
        drawn.append(alpha)
        return line(alpha)

    screen, (slider,), (label,), play, _ = live(explore(draw, alt="a line", alpha=np.linspace(-1, 2, 4)))
    before = screen.value
    slider.value = 0.3
    assert drawn[-1] == pytest.approx(0.3)
    assert screen.value != before
    assert label.value == "0.30"
    play.value = 3
    assert slider.value == 2.0
    assert drawn[-1] == 2.0


def test_live_widget_keeps_whole_numbers_and_words_and_follows_logarithms():
    _, (slider,), *_ = live(explore(line, slope=[1, 3, 9]))
    assert tuple(slider.options) == (1, 3, 9)
    _, (slider,), *_ = live(explore(lambda how: line(len(how)), alt="a line", how=["a", "bb"]))
    slider.value = "bb"
    _, (slider,), *_ = live(explore(line, slope=np.logspace(-3, 1, 5)))
    assert (slider.min, slider.max) == pytest.approx((-3, 1))


def test_both_front_ends_get_their_form():
    bundle = explore(line, slope=[0.0, 1.0])._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}


@pytest.mark.parametrize("sign", WATCHERS)
def test_a_reader_at_a_kernel_waits_for_one_picture_only_and_sees_a_bar(monkeypatch, sign):
    monkeypatch.setenv(sign, "notebook")
    monkeypatch.setitem(sys.modules, "ipykernel", ipykernel)
    drawn = []

    def draw(slope):
        drawn.append(slope)
        return line(slope)

    bundle = explore(draw, alt="a line", slope=np.linspace(0, 1, 9))._repr_mimebundle_()
    assert drawn == [0.0]
    assert "text/html" not in bundle
    assert isinstance(progress([1], label="steps"), tqdm_notebook)


@pytest.mark.parametrize("sign", WATCHERS)
def test_a_script_started_from_a_terminal_of_such_a_program_has_no_reader(monkeypatch, sign):
    monkeypatch.setenv(sign, "notebook")
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    shown = explore(line, slope=np.linspace(0, 1, 9))
    assert "text/html" in shown._repr_mimebundle_()
    assert not isinstance(progress([1], label="steps"), tqdm_notebook)
