"""The cache of training with Adam: what was interrupted goes on, and nothing answers for another problem."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from adam_cases import data
from torch import nn

from epbook.networks import two_layer
from epbook.training import CacheWarning, DamagedCacheWarning, Plateau, train_adam


class Interrupted(Exception):
    pass


def test_an_interrupted_run_goes_on_to_the_same_numbers(tmp_path, monkeypatch):
    x, y = data()
    net = two_layer(30, 7, outputs=4, std=0.3)
    settings = {"steps": 1300, "lr": 1e-3, "keep_at": [200, 900], "cache": tmp_path}
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
    assert len(list(tmp_path.iterdir())) == 4


def closure(factor):
    return lambda output, target: factor * nn.functional.mse_loss(output, target)


class Stretched(nn.Module):
    """An activation whose printed form hides its parameter."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, z):
        return torch.tanh(self.factor * z)


PAIRS = {
    "Huber losses": [{"loss": nn.HuberLoss(delta=delta)} for delta in (1.0, 0.01)],
    "reductions": [{"loss": nn.MSELoss()}, {"loss": nn.MSELoss(reduction="sum")}],
    "label smoothing": [{"loss": nn.CrossEntropyLoss(label_smoothing=share)} for share in (0.0, 0.2)],
    "closures": [{"loss": closure(1.0)}, {"loss": closure(2.0)}],
    "activations": [{"activation": Stretched(1.0)}, {"activation": Stretched(2.0)}],
    "kept steps": [{"keep_at": [3]}, {"keep_at": [4]}],
    "rules": [{"until": None}, {"until": Plateau(window=2, drop=0.5)}],
    "data": [{"scale": 1.0}, {"scale": 2.0}],
    "targets": [{"part": 1.0}, {"part": 0.5}],
    "frozen": [{"frozen": False}, {"frozen": True}],
}


@pytest.mark.parametrize("pair", PAIRS)
def test_the_cache_never_answers_for_another_problem(tmp_path, pair):
    x, y = data()

    def trained(cache, scale=1.0, part=1.0, activation=nn.Tanh, frozen=False, **settings):
        net = two_layer(30, 7, outputs=4, std=0.3, activation=activation)
        net[0].weight.requires_grad_(not frozen)
        return train_adam(net, scale * x, part * y, steps=20, lr=1e-2, cache=cache, **settings)

    for change in PAIRS[pair]:
        assert trained(tmp_path, **change) == trained(None, **change)  # networks and losses to the last bit
    assert len(list(tmp_path.iterdir())) == 2


def test_a_run_of_another_version_of_the_code_is_not_taken(tmp_path, monkeypatch):
    x, y = data()
    for version in ("of today", "of another day"):
        monkeypatch.setattr(sys.modules["epbook.training.adam"], "CODE", version)
        train_adam(two_layer(30, 7, outputs=4, std=0.3), x, y, steps=5, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_file_is_computed_anew_with_a_warning(tmp_path):
    x, y = data()
    net = two_layer(30, 7, outputs=4, std=0.3)
    settings = {"steps": 20, "lr": 1e-2, "cache": tmp_path}
    first = train_adam(net, x, y, **settings)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.warns(DamagedCacheWarning, match=path.name):
        assert train_adam(net, x, y, **settings) == first
    assert train_adam(net, x, y, **settings) == first, "not stored anew"


def test_a_cache_that_cannot_be_written_ends_nothing(tmp_path):
    (tmp_path / "file").write_text("mine")
    x, y = data()
    net = two_layer(30, 7, outputs=4, std=0.3)
    with pytest.warns(CacheWarning, match="nothing can be stored"):
        run = train_adam(net, x, y, steps=20, lr=1e-2, cache=tmp_path / "file")
    assert run == train_adam(net, x, y, steps=20, lr=1e-2)
