"""The chapter's numbers on the full MNIST, network by network; after a build the trained ones are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from epbook.data import mnist
from epbook.losses import softmax_mse
from epbook.networks import two_layer
from epbook.reduction import agreement, magnitude_prune, reduce
from epbook.training import Plateau, train_adam

FOLDER = os.environ.get("EPBOOK_DATA") or None  # empty is not set
CACHE = Path(os.environ.get("EPBOOK_CACHE") or Path(__file__).parents[1] / ".cache")
# The settings of book/reduction.ipynb, to the letter: then its runs are found in the cache.
MOMENTS = [0, 1, 2, 4, 7, 12, 20, 35, 60, 100, 200, 300, 500, 1000, 2000, 3000, 4000]

pytestmark = pytest.mark.skipif(FOLDER is None, reason="needs the full MNIST: name its folder in EPBOOK_DATA")


@pytest.fixture(scope="module")
def data():
    return mnist(train=1000, seed=0, folder=FOLDER)


@pytest.mark.parametrize("seed", range(5))
def test_a_condensed_network_is_cut_to_a_ninth_and_answers_the_same(data, seed):
    start = two_layer(784, 400, outputs=10, std=400**-3, seed=seed)
    run = train_adam(
        start, data.x, data.y, steps=10_000, loss=softmax_mse, until=Plateau(window=200, drop=0.05),
        keep_at=MOMENTS if seed == 0 else [], cache=CACHE,
    )  # fmt: skip
    assert run.losses[0] == pytest.approx(0.09, abs=5e-5)
    level, agreed = run.losses[-1], {}
    for mode in ("random", "mean", "least-squares"):
        small, report = reduce(
            run.final, similarity=0.9, mode=mode, x=data.x, y=data.y, loss=softmax_mse, seed=seed
        )
        assert report.widths_after[0] <= 45
        assert min(report.layers[0].groups.worst) >= 0.9
        assert report.change <= report.bound
        agreed[mode] = agreement(run.final, small, data.x_test)
        again = train_adam(small, data.x, data.y, steps=150, loss=softmax_mse)
        assert again.losses.min() <= 1.01 * level, f"{mode} does not come back to the plateau"
    assert len(data.x_test) == 10_000
    assert agreed["least-squares"] >= 0.995
    assert agreed["least-squares"] > agreed["mean"] > agreed["random"] >= 0.97
    pruned = magnitude_prune(run.final, report.widths_after[0])
    assert agreement(run.final, pruned, data.x_test) <= agreed["least-squares"] - 0.2
