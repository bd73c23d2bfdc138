"""The figures of the chapter on training, drawn from small runs; the slider over its whole grid."""

import numpy as np
import pytest
import torch

import epbook as ep

STEPS = [0, 1, 10, 100, 700, 2000]


@pytest.fixture(scope="module")
def data():
    return ep.data.relu_teacher()


@pytest.fixture(scope="module")
def runs(data):
    return ep.train_many([2, 12, 40], 4, *data, steps=2000, lr=0.05, keep_at=STEPS)


def points(axes, label):
    (line,) = [line for line in axes.lines if line.get_label() == label]
    return np.asarray(line.get_xydata())


def test_target_shows_every_point(data):
    x, y = data
    axes = ep.figures.training.target(x, y, curve=ep.data.relu_teacher(201)).axes[0]
    *corners, _, dots = axes.lines
    assert np.array_equal(np.asarray(dots.get_xydata()), np.hstack([x, y]))
    assert [line.get_xdata()[0] for line in corners] == pytest.approx([-0.3, 0, 0.4, 0.8])


def test_loss_curves_show_each_width_from_its_first_step_and_name_it_at_its_end(runs):
    others = [runs.losses(12, seed) for seed in (1, 2)]
    axes = ep.figures.training.loss_curves(
        {m: runs.losses(m, 0) for m in runs.widths}, {"a level": 0.1}, others
    ).axes[0]
    written = {text.get_text().strip(): text.xy for text in axes.texts}
    assert set(written) == {"a level", "width", "2", "12", "40"}
    order = sorted(runs.widths, key=lambda m: runs.losses(m, 0)[1][-1])
    assert sorted(order, key=lambda m: written[str(m)][1]) == order
    assert len(axes.lines) == 3 + len(others) + 1
    steps, losses = runs.losses(12, 0)
    assert np.array_equal(points(axes, "12"), np.stack([steps[1:], losses[1:]], axis=1))


def test_spectrum_colours_are_the_shares(runs):
    counts = np.array([runs.spectrum(m) for m in runs.widths])
    figure = ep.figures.spectrum.loss_spectrum(runs.widths, counts, runs.edges, [-0.4375], {"zero": -0.43})
    top = next(axes for axes in figure.axes[0].child_axes)
    assert [label.get_text() for label in top.get_xticklabels()] == ["zero"]
    assert top.get_xticks(minor=True) == pytest.approx([-0.4375])
    shade = figure.axes[0].collections[0].get_array()
    assert shade.shape == counts.shape
    row = counts[1] / counts[1].sum()
    assert np.allclose(shade[1], np.log10(np.maximum(row, 1e-300)).clip(-2.5, 0))


def test_both_spectra_are_shown(runs):
    counts = np.array([runs.spectrum(m) for m in runs.widths])
    figure = ep.figures.spectrum.two_spectra(runs.widths, counts, counts[::-1], runs.edges, ("one", "two"))
    left, right = (axes.collections[0].get_array() for axes in figure.axes[:2])
    assert np.array_equal(left, right[::-1])


def test_outputs_and_orientations_show_each_net(runs, data):
    nets = {m: runs.final(m, 0) for m in runs.widths}
    above, below = ep.figures.training.outputs(nets, *data).axes
    with torch.no_grad():
        values = {m: net(ep.figures.training.DRAWN)[:, 0] for m, net in nets.items()}
    assert np.allclose(points(above, "12")[:, 1], values[12])
    assert np.allclose(below.lines[1].get_ydata(), values[12] - values[2])
    found = {m: ep.effective_neurons(net) for m, net in nets.items()}
    whole, *zooms = ep.figures.training.orientations(found).axes
    assert len(zooms) == len(found[2].angle)
    for axes in (whole, *zooms):
        # One by one: SVG would set a mark where a line between two of them leaves the picture.
        marks = [line for line in axes.lines if line.get_marker() == "o"]
        assert {len(line.get_xdata()) for line in marks} == {1}
        drawn = np.concatenate([line.get_xydata() for line in marks])
        wanted = np.concatenate([np.c_[each.angle, each.amplitude[:, 0]] for each in found.values()])
        assert np.allclose(drawn, wanted)


def test_flow_and_finals(runs):
    steps, losses = runs.losses(12, 0)
    figure = ep.figures.training.same_flow({12: ((0.05 * steps, losses), (0.001 * steps, losses))})
    for line, rate in zip(figure.axes[0].lines, (0.05, 0.001), strict=True):
        assert np.array_equal(line.get_xydata(), np.c_[rate * steps, losses][1:])
    finals = [np.array([runs.losses(m, seed)[1][-1] for seed in runs.seeds]) for m in runs.widths]
    axes = ep.figures.training.final_losses(runs.widths, finals, {"a level": 0.1}).axes[0]
    assert np.allclose(axes.lines[4].get_ydata(), np.median(finals[1]))


def test_the_slider_through_time_over_its_whole_grid(runs, data):
    frames = []
    for step in STEPS:
        figure = ep.figures.training.moment(
            runs.losses(40, 1), step, runs.at(step, 40, 1), *data, top=2.0, least=0.03
        )
        dot = np.asarray(figure.axes[0].lines[1].get_xydata())[0]
        net = runs.at(step, 40, 1)
        assert dot[0] == max(step, 1)
        assert dot[1] == pytest.approx(((net(data[0]) - data[1]) ** 2).mean().item())
        _, output, neurons = figure.axes
        with torch.no_grad():
            assert np.allclose(output.lines[1].get_ydata(), net(ep.figures.training.DRAWN)[::3, 0])
        every, merged = ep.features(net), ep.effective_neurons(net, amplitude=0.03)
        for line, found in zip(neurons.lines[1:], (every, merged), strict=True):
            assert np.allclose(line.get_xydata(), np.c_[found.angle, found.amplitude[:, 0]])
        assert f"{len(merged.angle)} effective" in neurons.get_title(loc="center") + neurons.get_title(
            loc="left"
        )
        frames.append((figure.get_size_inches().tolist(), figure.axes[2].get_ylim()))
    assert all(frame == frames[0] for frame in frames)
