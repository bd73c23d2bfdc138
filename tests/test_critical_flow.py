"""The gradient flow, and the chapter's figures over their whole grids."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

import epbook as ep


def two_parameters(w, a):
    w, a = (torch.tensor([[float(value)]], dtype=torch.float64) for value in (w, a))
    return ep.sequential([(w, None, nn.Tanh()), (a, None, None)])


LINE = torch.linspace(-2, 2, 21, dtype=torch.float64)[:, None]


def test_flow_is_the_limit_of_gradient_descent():
    y = torch.tanh(LINE)
    flow = ep.gradient_flow(two_parameters(0.5, -0.2), LINE, y, time=2.0, points=5)
    net = two_parameters(0.5, -0.2)
    optimiser = torch.optim.SGD(net.parameters(), lr=1e-4)
    for _ in range(20_000):
        optimiser.zero_grad()
        nn.functional.mse_loss(net(LINE), y).backward()
        optimiser.step()
    end = nn.utils.parameters_to_vector(net.parameters()).detach().numpy()
    assert np.abs(end - flow.parameters[-1]).max() < 1e-3
    assert (np.diff(flow.losses) < 0).all()
    assert flow.times[-1] == 2.0
    torch.testing.assert_close(
        nn.functional.mse_loss(flow.model(-1)(LINE), y).item(), flow.losses[-1], rtol=1e-12, atol=0
    )


def test_flow_leaves_a_saddle_after_the_logarithmic_time():
    y = torch.tanh(LINE)
    rate = 2 * (LINE * y).mean().item()
    times = []
    for offset in (1e-4, 1e-6):
        flow = ep.gradient_flow(two_parameters(offset, offset), LINE, y, time=12.0, points=2000)
        times.append(np.interp(1e-2, flow.parameters[:900, 0], flow.times[:900]))
    assert rate * (times[1] - times[0]) == pytest.approx(np.log(100), rel=1e-3)


@pytest.mark.parametrize("options", [{"time": 0.0}, {"time": 1.0, "first": 2.0}, {"time": 1.0, "points": 1}])
def test_flow_names_bad_times(options):
    with pytest.raises(ValueError, match=r"time and first|points"):
        ep.gradient_flow(two_parameters(1, 1), LINE, LINE, **options)


def test_every_frame_of_the_release_is_drawn():
    y = torch.tanh(LINE)
    flows = {
        e: ep.gradient_flow(two_parameters(10**e, -0.5), LINE, y, time=4, points=20) for e in (-3.0, -2.0)
    }
    grid = np.linspace(-1, 1, 5)
    risk, minima = np.add.outer(grid**2, grid**2), np.eye(2)
    for exponent in flows:
        figure = ep.figures.critical.released(grid, risk, minima, flows, exponent)
        assert isinstance(figure, Figure)
    assert isinstance(ep.figures.critical.landscape(grid, risk, [*flows.values()], minima), Figure)


def test_every_frame_of_the_portraits_and_the_other_figures_are_drawn():
    x, y = ep.data.tanh_teacher()
    found = {width: ep.critical.find_critical_points(width, x, y, starts=6) for width in (1, 2)}
    line = x.numpy().ravel()
    curves = [
        (width, point, number, (line, point.model(x).detach().numpy().ravel()))
        for width, points in found.items()
        for number, point in enumerate(points)
    ]
    assert curves
    for index in range(len(curves)):
        figure = ep.figures.critical.portrait(found, line, y.numpy().ravel(), curves, index)
        titles = [axis.get_title(loc=side) for axis in figure.axes for side in ("left", "center")]
        assert any(f"width {curves[index][0]}" in title for title in titles)
    assert isinstance(ep.figures.critical.diagram(found, {1: [found[1].points[-1].loss]}), Figure)
    values = np.array([-1.0, 1e-17, 2.0])
    assert isinstance(ep.figures.critical.polishing(values, values, 1e-15), Figure)
    offsets = 10.0 ** np.arange(-4, -1)
    assert isinstance(ep.figures.critical.dwell(offsets, {"a": -np.log(offsets)}, {"a": 1.0}), Figure)
    assert isinstance(
        ep.figures.critical.channel(offsets, offsets, offsets, [(1.0, line, -line)], line), Figure
    )
    shares, stems = {1: np.full(200, 0.005)}, [(0, -0.4), (2, -3.2)]
    assert isinstance(ep.figures.critical.spectrum_predicted(np.linspace(-5, 0, 200), shares, stems), Figure)
