"""Figures of the chapter on reduction: what they draw is what they are given, for every slider value."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from epbook import figures, page
from epbook.embedding import embed
from epbook.networks import two_layer
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
    assert len(figure.legends[0].get_texts()) == 4
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
    assert [text.get_text() for text in axis.texts] == ["low\namplitude"]
    matrix = axis.images[0].get_array()
    for box in axis.patches:
        start, size = round(box.get_x() + 0.5), round(box.get_width())
        assert matrix[start : start + size, start : start + size].min() >= 0.9 - 1e-12


def test_prediction_pairs_counts_images(wide):
    x = torch.randn(50, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    small, _ = reduce(wide, similarity=0.9)
    counts = agreement_matrix(wide, small, x)
    figure = figures.reduction.prediction_pairs(counts)
    assert sum(int(text.get_text()) for text in figure.axes[0].texts) == 50


def test_the_other_figures_are_drawn(cuts, wide):
    curves = {0: np.geomspace(1, 0.1, 50), 1: np.geomspace(1, 0.2, 40)}
    drawn = [
        figures.reduction.plateau_curve(curves, shown=0, onward=np.full(5, 0.1)),
        figures.reduction.retraining({"full": curves[0], "mean": curves[1]}, 0.2, {"mean": 3}),
        figures.reduction.agreement_against_width(cuts),
        figures.reduction.widths_left({"small weights": ([0.5, 0.9], [0.2, 0.4])}),
        figures.reduction.digits(torch.rand(3, 784), [1, 2, 3]),
    ]
    assert all(isinstance(figure, Figure) and figure.axes for figure in drawn)
    assert drawn[0].axes[0].lines[-1].get_ydata()[0] == pytest.approx(0.1)
