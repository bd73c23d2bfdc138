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
    assert np.abs(end - flow.parameters[-1].numpy()).max() < 1e-3
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
        times.append(np.interp(1e-2, flow.parameters[:900, 0].numpy(), flow.times[:900]))
    assert rate * (times[1] - times[0]) == pytest.approx(np.log(100), rel=1e-3)


@pytest.mark.parametrize("options", [{"time": 0.0}, {"time": 1.0, "points": 1}, {"time": 1.0, "rtol": -1.0}])
def test_flow_names_bad_options(options):
    name = list(options)[-1]
    with pytest.raises(ValueError, match=f"{name} must be"):
        ep.gradient_flow(two_parameters(1, 1), LINE, LINE, **options)


def test_a_flow_that_runs_away_says_so():
    """Uphill, the loss grows without end: what was reached is kept, and nothing is raised."""

    def uphill(f, t):
        return -((f - t) ** 4).mean()

    flow = ep.gradient_flow(two_parameters(1, 1), LINE, torch.zeros_like(LINE), time=1e4, loss=uphill)
    assert flow.status == "stopped"
    assert "the flow runs away" in flow.reason
    assert len(flow.times) == len(flow.parameters) == len(flow.losses) < 400


def test_flows_compare_by_value():
    y = torch.tanh(LINE)
    one, same, other = (
        ep.gradient_flow(two_parameters(w, 1), LINE, y, time=1.0, points=3) for w in (0.5, 0.5, 0.6)
    )
    assert one == same
    assert one != other
