"""The gradient flow."""

import numpy as np
import pytest
import torch
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
