"""Training with Adam: the same as PyTorch's own loop, sparse data, the plateau rule, bad input."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from adam_cases import data
from torch import nn

from epbook.given import layers
from epbook.losses import softmax_mse
from epbook.networks import two_layer
from epbook.training import (
    DivergedError,
    DivergenceWarning,
    Plateau,
    train_adam,
)
from epbook.training.sparse import SparseData


def plain(net, x, y, steps, lr, loss):
    """The loop that every PyTorch tutorial shows."""
    net = copy.deepcopy(net)
    optimiser = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        value = loss(net(x), y)
        losses.append(value.item())
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    return net, [*losses, loss(net(x), y).item()]


@pytest.mark.parametrize("share", [0.2, 0.9])
@pytest.mark.parametrize("deep", [False, True])
def test_it_is_pytorchs_own_loop(share, deep):
    x, y = data(share=share)
    net = two_layer(30, 7, outputs=4, std=0.3, output_bias=True)
    if deep:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            net = nn.Sequential(nn.Linear(30, 6), nn.Tanh(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4))
        net = net.double()
    expected, losses = plain(net, x, y, 200, 5e-3, softmax_mse)
    before = copy.deepcopy(net.state_dict())
    run = train_adam(net, x, y, steps=200, lr=5e-3, loss=softmax_mse, keep_at=[0, 100])
    assert run.losses == pytest.approx(losses, rel=1e-9)
    assert run.losses[-1] < 0.95 * run.losses[0]
    for (w1, b1, _), (w2, b2, _) in zip(layers(run.final), layers(expected), strict=True):
        assert torch.allclose(w1, w2, atol=1e-8)
        assert b1 is b2 is None or torch.allclose(b1, b2, atol=1e-8)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items()), "net changed"
    assert torch.equal(run.kept[0][0].weight, net[0].weight)
    assert softmax_mse(run.kept[100](x), y).item() == pytest.approx(run.losses[100])


def test_sparse_data_is_the_affine_map_and_its_gradient():
    x, _ = data(n=13, d=9)
    sparse = SparseData(x)
    assert sparse.columns.tolist() == (x != 0).any(0).nonzero().squeeze(1).tolist()
    weight = torch.randn(len(sparse.columns), 5, dtype=torch.float64, requires_grad=True)
    assert torch.allclose(sparse(weight), x[:, sparse.columns] @ weight, atol=1e-14)
    assert torch.autograd.gradcheck(sparse, weight)


def test_the_numbers_do_not_depend_on_the_number_of_threads():
    x, y = data(n=300, d=200)
    net = two_layer(200, 60, outputs=4, std=0.1)
    before = torch.get_num_threads()
    try:
        runs = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            runs.append(train_adam(net, x, y, steps=30, lr=1e-2, loss=softmax_mse))
            assert torch.get_num_threads() == threads, "the caller's setting is lost"
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(runs[0].losses, runs[1].losses)
    assert torch.equal(runs[0].final[0].weight, runs[1].final[0].weight)


def test_the_plateau_rule_skips_the_one_at_the_start():
    losses = np.concatenate([np.full(300, 1.0), np.geomspace(1, 0.01, 200), np.full(300, 0.01)])
    rule = Plateau(window=50, drop=0.05)
    at = rule.first(losses)
    assert 500 < at < 551
    assert losses[at] > 0.95 * losses[at - 50]
    assert losses[at - 1] <= 0.95 * losses[at - 51]
    assert Plateau(window=50, drop=0.05).first(np.geomspace(1, 1e-9, 500)) is None


def test_until_stops_at_the_rules_step():
    x, y = data()
    net = two_layer(30, 7, outputs=4, std=0.3)
    rule = Plateau(window=30, drop=0.01)
    run = train_adam(net, x, y, steps=5000, lr=1e-2, until=rule)
    assert run.steps == rule.first(run.losses) < 5000
    assert nn.functional.mse_loss(run.final(x), y).item() == pytest.approx(run.losses[-1])


def test_a_run_ends_with_a_status():
    x, y = data()
    net = two_layer(30, 7, outputs=4, std=0.3)
    run = train_adam(net, x, y, steps=20, lr=1e-2)
    assert (run.status, run.steps) == ("finished", 20)
    assert run == train_adam(net, x, y, steps=20, lr=1e-2) != train_adam(net, x, y, steps=20, lr=2e-2)
    plateau = train_adam(net, x, y, steps=5000, lr=1e-2, until=Plateau(window=30, drop=0.01))
    assert plateau.status == "plateau"
    assert f"step {plateau.steps}" in plateau.reason


def test_a_divergence_is_a_status_and_a_warning(tmp_path):
    x, y = data()
    for _ in range(2):  # the second time from the cache
        with pytest.warns(DivergenceWarning, match=r"step \d+: the step size is too large \(lr = 1e\+200\)"):
            run = train_adam(
                two_layer(30, 7, outputs=4), x, y, steps=400, lr=1e200, keep_at=[0, 400], cache=tmp_path
            )
        assert run.status == "diverged"
        assert np.isfinite(run.losses).all()
        assert run.steps == len(run.losses) - 1 < 400
        assert list(run.kept) == [0]
        with pytest.raises(DivergedError, match="the step size is too large"):
            _ = run.final


def test_data_too_large_are_not_blamed_on_the_step_size():
    x, y = data()
    with pytest.warns(DivergenceWarning, match="inf at step 0: the start or the data are too large"):
        run = train_adam(two_layer(30, 7, outputs=4), 1e200 * x, y, steps=4)
    assert (run.status, run.steps, len(run.losses)) == ("diverged", 0, 0)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_the_number_type_that_came_in_comes_back_and_float64_is_inside(kind):
    x, y = data()
    x = x.float().double()  # so that all mean the same numbers
    net = two_layer(30, 7, outputs=4, std=0.3).float()
    double = copy.deepcopy(net).double()
    expected = train_adam(double, x, y, steps=30, lr=1e-2, keep_at=[10])
    for given_x, given_y in ((x.to(kind), y.to(kind)), (x.to(kind).numpy(), y.numpy())):
        run = train_adam(net, given_x, given_y, steps=30, lr=1e-2, keep_at=[10])
        assert np.array_equal(run.losses, expected.losses)
        assert torch.equal(run.final[0].weight, expected.final[0].weight.float())
        assert torch.equal(run.kept[10][2].weight, expected.kept[10][2].weight.float())


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_it_trains_where_autograd_is_switched_off(off):
    x, y = data()
    net = two_layer(30, 7, outputs=4, std=0.3)
    with off():
        run = train_adam(net, x, y, steps=5, lr=1e-2)
    assert run == train_adam(net, x, y, steps=5, lr=1e-2)


def test_class_labels():
    x, y = data()
    net = two_layer(30, 7, outputs=4, std=0.3)
    run = train_adam(net, x, y.argmax(1), steps=30, lr=1e-2, loss=nn.functional.cross_entropy)
    same = train_adam(net, x, y, steps=30, lr=1e-2, loss=nn.functional.cross_entropy)
    assert run.losses == pytest.approx(same.losses, rel=1e-12)


def test_frozen_parameters_stay():
    x, y = data()
    net = two_layer(30, 7, outputs=4, std=0.3)
    net[0].weight.requires_grad_(False)
    run = train_adam(net, x, y, steps=30, lr=1e-2)
    assert torch.equal(run.final[0].weight, net[0].weight)
    assert not torch.equal(run.final[0].bias, net[0].bias)
    assert not run.final[0].weight.requires_grad
    with pytest.raises(ValueError, match="every parameter of net is frozen"):
        train_adam(net.requires_grad_(False), x, y, steps=5)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"steps": 0}, "0"),
        ({"steps": 2.5}, "2.5"),
        ({"lr": 0.0}, "0.0"),
        ({"lr": float("nan")}, "nan"),
        ({"keep_at": [3, 99]}, "99"),
        ({"keep_at": [-1]}, "-1"),
        ({"until": lambda losses: True}, "lambda"),
    ],
)
def test_impossible_settings_are_refused(settings, named):
    x, y = data()
    with pytest.raises((ValueError, TypeError), match=named):
        train_adam(two_layer(30, 7, outputs=4), x, y, **{"steps": 5, **settings})


def test_data_that_do_not_fit_are_refused():
    x, y = data()
    net = two_layer(30, 7, outputs=4)
    for x_bad, y_bad, named in (
        (x[:, :5], y, r"\(40, 5\)"),
        (x, y[:7], "7"),
        (torch.full_like(x, torch.inf), y, "inf"),
        (x, torch.full_like(y, torch.nan), "nan"),
        (x[:0], y[:0], "(0, 30)"),
        (x, y[:, 0], r"\(40,\)"),
    ):
        for loss in (nn.functional.mse_loss, nn.HuberLoss()):
            with pytest.raises(ValueError, match=named):
                train_adam(net, x_bad, y_bad, steps=5, loss=loss)
    with pytest.raises(ValueError, match=r"Use y\[:, None\]"):
        train_adam(two_layer(30, 7), x, y[:, 0], steps=5)
    for settings in ({"window": 0}, {"drop": 1.0}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            Plateau(**settings)
