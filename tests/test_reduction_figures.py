"""Figures of the page on reduction: what they draw is what they are given, for every slider value."""

from __future__ import annotations

from contextlib import nullcontext

import matplotlib
import numpy as np
import pytest
import torch
from torch import nn

from epbook import figures, page
from epbook.embedding import embed
from epbook.networks import two_layer
from epbook.page.narrow import narrowed
from epbook.reduction import agreement_matrix, groups, reduce, similarity, sweep_similarity


@pytest.fixture(autouse=True)
def _style():
    with matplotlib.rc_context():
        page.use_style()
        yield


@pytest.fixture(scope="module")
def wide():
    """A classifier of 12 neurons, noisy copies of 4."""
    net = embed(two_layer(6, 4, outputs=3, std=1.0, seed=1), [12])
    noise = torch.Generator().manual_seed(0)
    net[0].weight.data += 0.05 * torch.randn(net[0].weight.shape, generator=noise, dtype=torch.float64)
    return net


@pytest.fixture(scope="module")
def cuts(wide):
    x = torch.randn(80, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    told = wide(x).detach()
    return sweep_similarity(
        wide, x, told, thresholds=[0.5, 0.9, 0.999], x_test=x, y_test=nn.functional.one_hot(told.argmax(1), 3)
    )


def test_a_sweep_finds_the_copies_and_beats_pruning(cuts):
    assert [cut.width for cut in cuts] == sorted(cut.width for cut in cuts)
    middle = cuts[1]
    assert middle.width < 12
    assert middle.accuracy == middle.agreement, "the test classes are the full network's own"
    assert middle.agreement["least-squares"] > middle.agreement["pruning"]
    assert middle.networks["pruning"][0].out_features == middle.width


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9, 0.999])
def test_threshold_view_shows_the_nearest_threshold(cuts, threshold):
    figure = figures.reduction.threshold_view(cuts, threshold)
    near = min(cuts, key=lambda cut: abs(cut.threshold - threshold))
    left, right = figure.axes
    heights = [bar.get_height() for bar in left.patches]
    assert heights == sorted((len(group) for group in near.groups.members), reverse=True)
    assert str(near.width) in left.get_title(loc="left")
    assert len(figure.legends[0].get_texts()) == 7
    assert right.lines[1].get_ydata()[0] == pytest.approx(max(0.01, 100 - 100 * near.agreement["random"]))


def test_frames_share_their_axes(cuts):
    limits = {
        tuple(
            axis.get_xlim() + axis.get_ylim()
            for axis in figures.reduction.threshold_view(cuts, cut.threshold).axes
        )
        for cut in cuts
    }
    assert len(limits) == 1


@pytest.mark.parametrize("epoch", [0, 3, 10, 400])
def test_forming_shows_the_state_nearest_to_the_epoch(epoch):
    losses = np.geomspace(1, 0.01, 401)
    states = {0: (np.eye(5), 5), 10: (np.full((5, 5), 0.5), 3), 400: (np.ones((5, 5)), 1)}
    figure = figures.reduction.forming(losses, states, epoch)
    shown = figure.axes[1].images[0].get_array()
    nearest = min(states, key=lambda kept: abs(kept - epoch))
    assert np.array_equal(shown, states[nearest][0])
    assert figure.axes[1].get_title(loc="left") == f"epoch {nearest:,}: {states[nearest][1]} groups"


def test_similarity_matrix_frames_every_group_and_names_low_amplitude(wide):
    wide = embed(wide, [13])
    wide[2].weight.data[:, 5] = 0
    found = groups(wide, similarity=0.9)
    figure = figures.reduction.similarity_matrix(similarity(wide), found)
    axis = figure.axes[0]
    assert len(axis.patches) == sum(len(group) > 1 for group in found.members)
    assert [text.get_text() for text in axis.texts] == ["low amplitude"]
    matrix = axis.images[0].get_array()
    for box in axis.patches:
        start, size = round(box.get_x() + 0.5), round(box.get_width())
        assert matrix[start : start + size, start : start + size].min() >= 0.9 - 1e-12


@pytest.mark.parametrize("name", ["similarity", "pairs", "forming"])
@pytest.mark.parametrize("phone", [False, True])
def test_a_colour_bar_is_as_high_as_its_picture_and_stays_on_the_page(wide, name, phone):
    figure = {
        "similarity": lambda: figures.reduction.similarity_matrix(similarity(wide), groups(wide)),
        "pairs": lambda: figures.reduction.prediction_pairs(torch.eye(10, dtype=torch.int64)),
        "forming": lambda: figures.reduction.forming(np.ones(3), {1: (np.eye(5), 5)}, 1),
    }[name]()
    with narrowed(figure) if phone else nullcontext():
        figure.draw_without_rendering()
        (picture,) = (axes for axes in figure.axes if axes.images)
        (bar,) = picture.child_axes
        assert 0.9 * picture.bbox.height < bar.bbox.height < 1.01 * picture.bbox.height  # with its tip, all
        assert figure.bbox.padded(1).containsx(bar.get_tightbbox().x1)
        assert picture.bbox.height > 0.6 * figure.bbox.height or name == "forming", "no empty page around"


def test_prediction_pairs_counts_images(wide):
    x = torch.randn(50, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    small, _ = reduce(wide, similarity=0.9)
    counts = agreement_matrix(wide, small, x)
    figure = figures.reduction.prediction_pairs(counts)
    assert sum(int(text.get_text()) for text in figure.axes[0].texts) == 50


CURVES = {0: np.geomspace(1, 0.1, 50), 1: np.geomspace(1, 0.2, 40)}


def shown(axes):
    """What the lines of a panel show: values by label."""
    return {line.get_label(): np.asarray(line.get_ydata(), float).tolist() for line in axes.lines}


def test_both_cuts_are_marked_and_the_curve_goes_on():
    (axes,) = figures.reduction.plateau_curve(CURVES, shown=0, onward=np.full(5, 0.05)).axes
    other, curve, onward, first, second = axes.lines
    assert np.array_equal(other.get_ydata(), CURVES[1])
    assert np.array_equal(curve.get_ydata(), CURVES[0])
    assert np.array_equal(onward.get_xydata(), np.c_[49:54, np.full(5, 0.05)])
    assert np.allclose(first.get_xydata(), [[49, 0.1]])
    assert np.allclose(second.get_xydata(), [[53, 0.05]])
    assert [text.get_text() for text in axes.texts] == [
        "A: epoch 49\nloss 1.00e-01",
        "B: epoch 53\nloss 5.00e-02",
    ]


def test_retraining_has_a_panel_for_each_cut_with_the_level_of_that_cut():
    panels = {"A": ({"full": CURVES[0], "mean": CURVES[1]}, 0.2), "B": ({"random": CURVES[1]}, 0.1)}
    left, right = figures.reduction.retraining(panels).axes
    lines = shown(left)
    assert np.allclose(lines["full"], CURVES[0] / 0.2)
    assert np.allclose(lines["mean"], CURVES[1] / 0.2)
    assert np.allclose(shown(right)["random"], CURVES[1] / 0.1)
    assert [axes.lines[-1].get_ydata()[0] for axes in (left, right)] == [1, 1]
    assert [axes.get_title(loc="left") for axes in (left, right)] == ["A: loss 2.0e-01", "B: loss 1.0e-01"]
    assert left.get_ylim() == right.get_ylim()


def test_agreement_stands_against_the_width_that_is_left(cuts):
    figure = figures.reduction.agreement_against_width(cuts)
    assert len(figure.legends) == 1, "above the panels, where it covers no curve"
    left, right = figure.axes
    for name in cuts[0].agreement:
        for axes in (left, right):
            (line,) = [line for line in axes.lines if line.get_label() == name]
            assert list(line.get_xdata()) == [cut.width for cut in cuts]
        assert np.allclose(shown(right)[name], [100 * cut.accuracy[name] for cut in cuts])
        others = [100 * (1 - cut.agreement[name]) for cut in cuts]
        assert np.allclose(shown(left)[name], np.maximum(others, 0.01))


def test_widths_left_are_shares_in_per_cent():
    (axes,) = figures.reduction.widths_left({"small weights": ([0.5, 0.9], [0.2, 0.4])}).axes
    assert shown(axes) == {"small weights": [20, 40]}
    assert list(axes.lines[0].get_xdata()) == [0.5, 0.9]


@pytest.mark.parametrize("count", [1, 3])
def test_digits_stand_in_a_row_with_their_labels(count):
    images = torch.rand(count, 784, generator=torch.Generator().manual_seed(0))
    axes = figures.reduction.digits(images, range(count)).axes
    assert [axis.get_title(loc="center") for axis in axes] == [str(label) for label in range(count)]
    for axis, image in zip(axes, images, strict=True):
        assert np.array_equal(axis.images[0].get_array().ravel(), image)
