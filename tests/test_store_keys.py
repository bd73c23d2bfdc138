"""The keys of the store: whatever a result depends on makes another key."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import mse_loss

from epbook import store as room
from epbook.given import read
from epbook.networks import two_layer
from epbook.store import behaviour, digest, fingerprint


def test_a_key_depends_on_all_that_a_result_depends_on(monkeypatch):
    x = torch.ones(3, dtype=torch.float64)
    keys = {
        fingerprint("code", {"lr": 0.1}, [x]),
        fingerprint("other code", {"lr": 0.1}, [x]),
        fingerprint("code", {"lr": 0.2}, [x]),
        fingerprint("code", {"lr": 0.1}, [2 * x]),
        fingerprint("code", {"lr": 0.1}, [x.float()]),
        fingerprint("code", {"lr": 0.1}, [x[:, None]]),
        fingerprint("code", {"lr": 0.1}, [x, None]),
    }
    assert len(keys) == 7
    assert fingerprint("code", {"lr": 0.1}, [x.numpy()]) in keys
    for library in ("numba", "numpy", "torch"):
        with monkeypatch.context() as patch:
            patch.setitem(room.VERSIONS, library, "0.0")
            assert fingerprint("code", {"lr": 0.1}, [x]) not in keys


def test_the_digest_of_sources_sees_every_file(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "one.py").write_text("1")
    seen = {digest(tmp_path)}
    (tmp_path / "sub" / "two.py").write_text("2")
    seen.add(digest(tmp_path))
    (tmp_path / "sub" / "two.py").write_text("3")
    seen.add(digest(tmp_path))
    (tmp_path / "notes.txt").write_text("no code")
    assert digest(tmp_path) in seen
    assert len(seen) == 3


def closure(factor):
    return lambda output, target: factor * mse_loss(output, target)


class Scaled(nn.Module):
    """Its printed form hides its parameter."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, z):
        return torch.tanh(self.factor * z)


X = torch.linspace(-1, 1, 7, dtype=torch.float64)[:, None]


def bits(loss=mse_loss, activation=nn.Tanh):
    given = read(two_layer(1, 3, activation=activation, std=0.1), X, X / 10, loss=loss)
    return torch.cat(behaviour(given)).numpy().tobytes()


def test_losses_are_told_apart_by_what_they_do():
    losses = [
        mse_loss,
        nn.MSELoss(reduction="sum"),
        nn.HuberLoss(delta=1.0),  # equal to the next at the start, where all residuals are small
        nn.HuberLoss(delta=2.0),
        nn.SmoothL1Loss(beta=1e-4),
        nn.L1Loss(),
        closure(1.5),
        closure(2.5),
    ]
    assert len({bits(loss) for loss in losses}) == len(losses)
    assert bits() == bits() == bits(nn.MSELoss())


def test_activations_are_told_apart_by_what_they_do():
    kinds = [
        nn.Softplus(1.0),
        nn.Softplus(1.1),
        nn.Softplus(1.0, threshold=0.5),
        nn.Hardtanh(-1, 1),  # equal to the next at the start, where all pre-activations are small
        nn.Hardtanh(-2, 2),
        Scaled(1.0),
        Scaled(1.5),
    ]
    assert len({bits(activation=kind) for kind in kinds}) == len(kinds)


def test_a_loss_that_refuses_made_up_outputs_has_a_key_all_the_same():
    def picky(output, target):
        assert output.abs().max() < 1, "too far"
        return mse_loss(output, target)

    assert bits(picky) != bits()
