"""A short form of `make campaign`: no finite point at infinity, no critical point called infinite."""

import pytest

pytest.importorskip("flint")

import torch
from torch import nn

import epbook as ep
from tools.campaign.__main__ import run, table
from tools.campaign.cases import cases, data_sets
from tools.campaign.exact import JETS, Exact


def test_cases_spread_over_everything():
    kinds = list(cases(8064))
    assert len({case.activation for case in kinds}) == 7
    assert len({case.data for case in kinds}) == len(data_sets()) == 9
    assert {case.width for case in kinds} == {1, 2, 3}
    assert len({(case.x_scale, case.y_scale) for case in kinds}) == 36


@pytest.mark.parametrize("name", JETS)
def test_the_exact_gradient_and_hessian_are_those_of_autograd(name):
    net = ep.two_layer(2, 2, outputs=2, activation=getattr(nn, name), std=0.8, seed=1)
    x, y = (
        torch.randn(7, 2, generator=torch.Generator().manual_seed(s), dtype=torch.float64) for s in (0, 1)
    )
    x, y = x / x.abs().max(), y / y.abs().max()
    (W, b, _), (A, _, _) = ep.layers(net)
    exact = Exact(name, 2, x.numpy(), y.numpy())
    gradient, H = exact.derivatives(exact.inward(W.numpy(), b.numpy(), A.numpy()))
    # From w_1, b_1, w_2, b_2, a_1, a_2 to W, b, A, and from Σ (f − y)² / 2 to the mean squared error.
    order = [0, 1, 3, 4, 2, 5, 6, 8, 7, 9]
    theirs = torch.tensor([float(v) for v in H.entries()]).view(10, 10)[order][:, order] * 2 / 14
    assert (theirs - ep.hessian(net, x, y)).abs().max() < 1e-6
    slopes = torch.autograd.grad(nn.functional.mse_loss(net(x), y), list(net.parameters()))
    ours = torch.cat([slope.flatten() for slope in slopes])
    assert (torch.tensor([float(v) for v in gradient.entries()])[order] * 2 / 14 - ours).abs().max() < 1e-6


def test_newton_in_many_digits_tells_a_critical_point_from_the_way_to_infinity():
    x, y = ep.data.tanh_teacher()
    exact = Exact("Tanh", 1, x.numpy(), y.numpy())
    point = ep.find_critical(ep.two_layer(1, 1, activation=nn.Tanh, std=0.3, seed=1), x, y)
    (W, b, _), (A, _, _) = ep.layers(point.model)
    assert exact.newton(W.numpy(), b.numpy(), A.numpy()).critical
    far = exact.newton(W.numpy(), b.numpy() + 60.0, A.numpy())
    assert not far.critical


def test_no_verdict_is_wrong():
    trials = run(120, every=4)
    assert [(str(t.case), t.status, t.wrong) for t in trials if t.wrong] == []
    assert sum(t.status == "finite" for t in trials) >= 20
    assert "all" in table(trials)
