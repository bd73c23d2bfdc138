"""What reaches the page from a cell: plain numbers and strings, anything else refused by name."""

import sys

import IPython
import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

import epbook as ep


@pytest.fixture
def page(monkeypatch):
    """A notebook session with myst_nb in it: collects what is handed over."""
    import myst_nb

    handed = {}

    def record(name, value, display):
        assert display is False
        handed[name] = value

    monkeypatch.setattr(IPython, "get_ipython", object)
    monkeypatch.setattr(myst_nb, "glue", record)
    return handed


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (3, 3),
        (0.25, 0.25),
        ("condensed", "condensed"),
        (np.float64(0.1), 0.1),
        (np.int64(7), 7),
        (np.str_("tanh"), "tanh"),
        (np.array(2.5), 2.5),
        (torch.tensor(4), 4),
        (torch.tensor(0.5, requires_grad=True), 0.5),
    ],
)
def test_plain_values_reach_the_page(page, value, plain):
    ep.glue(it=value)
    assert page == {"it": plain}
    assert type(page["it"]) is type(plain)


@pytest.mark.parametrize("value", [None, True, [1.0], np.zeros(2), np.bool_(True), 1 + 2j, torch.ones(1)])
def test_other_values_are_refused_by_name_before_any_is_handed_over(page, value):
    with pytest.raises(TypeError, match="losses must be a number or a string, got"):
        ep.glue(width=1, losses=value)
    assert page == {}


def test_nothing_happens_outside_a_notebook(capsys):
    assert not InteractiveShell.initialized()
    ep.glue(loss=0.1)
    assert capsys.readouterr() == ("", "")
    assert not InteractiveShell.initialized()


def test_colab_without_myst_nb_is_silent(page, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "myst_nb", None)
    ep.glue(loss=0.1)
    assert page == {}
    assert capsys.readouterr() == ("", "")
