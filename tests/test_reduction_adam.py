"""Training with Adam: the same as PyTorch's own loop, sparse data, resuming, the plateau rule, bad input."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from epbook.given import layers
from epbook.losses import softmax_mse
from epbook.networks import two_layer
from epbook.training import Plateau, train_adam
from epbook.training.sparse import SparseData


def data(n=40, d=30, share=0.2, seed=0):
    """Sparse inputs, the first and the last column zero throughout, and one-hot targets."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, d, generator=generator, dtype=torch.float64)
    x[torch.rand(n, d, generator=generator) > share] = 0
    x[:, [0, -1]] = 0
    return x, nn.functional.one_hot(torch.arange(n) % 4, 4).to(torch.float64)


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
    run = train_adam(net, x, y, steps=200, lr=5e-3, loss=softmax_mse, keep=[0, 100])
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


class Interrupted(Exception):
    pass


def test_an_interrupted_run_goes_on_to_the_same_numbers(tmp_path, monkeypatch):
    x, y = data()
    net = two_layer(30, 7, outputs=4, std=0.3)
    settings = {"steps": 1300, "lr": 1e-3, "keep": [200, 900], "cache": tmp_path}
    whole = train_adam(net, x, y, **{**settings, "cache": None})
    calls = []
    original = torch.optim.Adam.step

    def stop_at_700(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 700:
            raise Interrupted
        return original(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", stop_at_700)
    with pytest.raises(Interrupted):
        train_adam(net, x, y, **settings)
    resumed = train_adam(net, x, y, **settings)
    assert len(calls) == 700 + 800, "it went on from step 500"
    assert np.array_equal(resumed.losses, whole.losses)
    assert torch.equal(resumed.final[0].weight, whole.final[0].weight)
    assert torch.equal(resumed.kept[200][0].weight, whole.kept[200][0].weight)
    again = train_adam(net, x, y, **settings)
    assert len(calls) == 1500, "a finished run was computed again"
    assert np.array_equal(again.losses, whole.losses)
    assert sorted(again.kept) == [200, 900]


def test_another_run_does_not_take_the_file(tmp_path):
    x, y = data()
    first = train_adam(two_layer(30, 7, outputs=4, std=0.3), x, y, steps=20, lr=1e-2, cache=tmp_path)
    for change in ({"seed": 1}, {"lr": 2e-2}, {"steps": 30}):
        net = two_layer(30, 7, outputs=4, std=0.3, seed=change.get("seed", 0))
        settings = {"steps": 20, "lr": 1e-2, **{k: v for k, v in change.items() if k != "seed"}}
        other = train_adam(net, x, y, cache=tmp_path, **settings)
        assert other.losses[-1] != first.losses[-1]
    assert len(list(tmp_path.glob("adam-*.pt"))) == 4


@pytest.mark.parametrize("damage", ["cut", "empty", "foreign", "no archive"])
def test_a_damaged_or_foreign_file_is_computed_anew_with_a_warning(tmp_path, damage):
    x, y = data()
    net = two_layer(30, 7, outputs=4, std=0.3)
    settings = {"steps": 20, "lr": 1e-2, "cache": tmp_path}
    first = train_adam(net, x, y, **settings)
    (path,) = tmp_path.glob("adam-*.pt")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "no archive":
        path.write_text("loss 0.0")
    else:
        train_adam(net, x, y, **{**settings, "steps": 10})
        other = next(found for found in tmp_path.glob("adam-*.pt") if found != path)
        other.replace(path)
    with pytest.warns(UserWarning, match=path.name):
        again = train_adam(net, x, y, **settings)
    assert np.array_equal(again.losses, first.losses)
    assert np.array_equal(train_adam(net, x, y, **settings).losses, first.losses), "not stored anew"


def test_softmax_mse_against_its_formula():
    output = torch.tensor([[0.0, np.log(3.0)]], dtype=torch.float64)
    target = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    assert softmax_mse(output, target).item() == pytest.approx(((1 / 4 - 1) ** 2 + (3 / 4) ** 2) / 2)
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        softmax_mse(torch.zeros(2, 3), torch.zeros(3))


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


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"steps": 0}, "0"),
        ({"steps": 2.5}, "2.5"),
        ({"lr": 0.0}, "0.0"),
        ({"lr": float("nan")}, "nan"),
        ({"keep": [3, 99]}, "99"),
        ({"keep": [-1]}, "-1"),
    ],
)
def test_impossible_settings_are_refused(settings, named):
    x, y = data()
    with pytest.raises(ValueError, match=named):
        train_adam(two_layer(30, 7, outputs=4), x, y, **{"steps": 5, **settings})


def test_data_that_do_not_fit_are_refused():
    x, y = data()
    net = two_layer(30, 7, outputs=4)
    for x_bad, y_bad, named in (
        (x[:, :5], y, r"\(40, 5\)"),
        (x, y[:7], "7"),
        (x.float(), y, "float32"),
        (torch.full_like(x, torch.inf), y, "inf"),
        (x, torch.full_like(y, torch.nan), "nan"),
        (x[:0], y[:0], "(0, 30)"),
    ):
        with pytest.raises(ValueError, match=named):
            train_adam(net, x_bad, y_bad, steps=5)
    for settings in ({"window": 0}, {"drop": 1.0}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            Plateau(**settings)


def test_a_loss_that_is_not_finite_says_where():
    x, y = data()
    with pytest.raises(FloatingPointError, match="step"):
        train_adam(two_layer(30, 7, outputs=4, std=1.0), x, y, steps=400, lr=1e200)
