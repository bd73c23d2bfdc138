"""A figure for a phone: panels stacked, nothing lost, and the figure afterwards as it was."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from epbook.page import subplots, use_style
from epbook.page.both import draw, inline_both, pack, unpack
from epbook.page.lettering import true_minus
from epbook.page.narrow import WIDTH, narrowed


@pytest.fixture(autouse=True)
def _style():
    use_style()


def places(figure):
    """Row and column of each panel."""
    specs = [axes.get_subplotspec() for axes in figure.axes if axes.get_subplotspec()]
    return [(spec.rowspan.start, spec.colspan.start) for spec in specs]


@pytest.mark.parametrize(
    ("rows", "columns", "there"),
    [
        (1, 1, [(0, 0)]),
        (2, 1, [(0, 0), (1, 0)]),
        (1, 3, [(0, 0), (1, 0), (2, 0)]),
        (2, 2, [(0, 0), (1, 0), (2, 0), (3, 0)]),
        (1, 5, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]),
    ],
)
def test_panels_stand_one_above_the_other_and_go_back(rows, columns, there):
    figure, _ = subplots(rows, columns)
    before, size = places(figure), figure.get_size_inches().tolist()
    with narrowed(figure) as anew:
        assert anew
        assert places(figure) == there
        assert figure.get_size_inches()[0] == WIDTH
        assert figure.get_size_inches()[1] >= size[1] * (1 if columns == 1 else 1.3)
    assert places(figure) == before
    assert figure.get_size_inches().tolist() == size


def test_pictures_without_axes_stay_side_by_side():
    figure, panels = subplots(1, 6)
    for axes in panels:
        axes.set_axis_off()
    with narrowed(figure):
        assert places(figure) == [(0, column) for column in range(6)]


def test_a_tall_panel_beside_two_comes_first():
    figure, _ = subplots()
    figure.clear()
    figure.subplot_mosaic([["a", "b"], ["a", "c"]])
    with narrowed(figure):
        assert places(figure) == [(0, 0), (1, 0), (2, 0)]


def test_what_a_shared_axis_left_out_is_written():
    figure, (left, right) = subplots(1, 2, sharey=True)
    left.set_ylabel("loss")
    assert not right.yaxis.get_tick_params()["labelleft"]
    with narrowed(figure):
        assert right.yaxis.get_tick_params()["labelleft"]
        assert right.get_ylabel() == "loss"
    assert not right.yaxis.get_tick_params()["labelleft"]
    assert right.get_ylabel() == ""


@pytest.mark.parametrize("whose", ["figure", "axes"])
def test_a_legend_at_the_right_goes_below(whose):
    figure, axes = subplots()
    axes.plot([0, 1], [0, 1], label="a line")
    if whose == "figure":
        figure.legend(loc="outside right upper", title="which")
    else:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), title="which")
    wide = draw(figure).wide
    with narrowed(figure):
        shown = [legend for legend in (*figure.legends, axes.get_legend()) if legend and legend.get_visible()]
        assert len(shown) == 1
        assert shown[0].get_title().get_text() == "which"
        figure.draw_without_rendering()
        assert shown[0].get_window_extent().y1 < axes.get_window_extent().y0
        assert axes.get_window_extent().width > 0.8 * figure.bbox.width, "its old place is free"
    assert draw(figure).wide == wide


def test_a_narrow_figure_is_drawn_once():
    figure, _ = subplots(figsize=(3, 2))
    assert draw(figure).narrow is None
    assert inline_both([draw(figure)], prefix="a", alt="nothing").count("<svg") == 1


def test_both_forms_travel_in_one_document_that_is_a_picture_by_itself():
    figure, axes = subplots()
    axes.plot([0, 1])
    pair = draw(figure)
    document = pack(pair)
    assert unpack(document).narrow == pair.narrow
    assert unpack(document).wide.rstrip() == pair.wide.rstrip()
    assert ElementTree.fromstring(document).tag.endswith("svg")
    assert unpack(pair.wide) == (pair.wide, None)
    page = inline_both([unpack(document)], prefix="a", alt="a line")
    assert re.findall(r'class="ep-svg (\S+)"', page) == ["ep-wide", "ep-narrow"]
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def texts(html):
    return [
        "".join(text.itertext()) for text in ElementTree.fromstring(html).iter() if "text" in text.tag[-5:]
    ]


def test_writing_is_text_in_the_font_of_the_page():
    figure, axes = subplots(figsize=(3, 2))
    axes.set(xscale="log", xlim=(1e-3, 1), xlabel="$\\log_{10}$ loss", ylabel="width $m$", title="α = -0.5")
    axes.set_yticks([0.0, 0.5])
    page = inline_both([draw(figure)], prefix="a", alt="nothing")
    written = texts(page)
    assert {"log10 loss", "width m", "α = −0.5", "10−3", "0.5"} <= set(written)
    assert "font-family" not in page
    assert "DejaVu" not in page


def test_a_formula_reads_from_left_to_right_with_its_index_lowered():
    figure, axes = subplots(figsize=(3, 2))
    axes.set_title("$a_{12}b^3$")
    page = inline_both([draw(figure)], prefix="a", alt="nothing")
    (formula,) = re.findall(r"<text[^>]*>(<tspan.*?)</text>", page)
    pieces = re.findall(r"<tspan([^>]*)>([^<]*)<", formula)
    assert [letters for _, letters in pieces] == ["a", "12", "b", "3"]
    shifts = [float(match.group(1)) if (match := re.search(r'dy="([^"]+)"', how)) else 0 for how, _ in pieces]
    assert np.sign(shifts).tolist() == [0, 1, -1, -1]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("-1", "−1"), ("1e-16", "1e−16"), ("x = -.5", "x = −.5"), ("two-layer", "two-layer"), ("2-3", "2-3")],
)
def test_minus_signs(given, wanted):
    assert true_minus(given) == wanted


@pytest.mark.parametrize("names", [["one of each, refitted"] * 7, ["A", "B"]])
def test_a_legend_above_keeps_to_the_width_of_a_phone(names):
    figure, panels = subplots(1, 2)
    for name in names:
        panels[0].plot([0, 1], label=name)
    before = figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    with narrowed(figure):
        (seen,) = [legend for legend in figure.legends if legend.get_visible()]
        assert [text.get_text() for text in seen.get_texts()] == names
        assert seen.get_window_extent().width <= WIDTH * figure.dpi
    assert figure.legends == [before]
    assert before.get_visible()
