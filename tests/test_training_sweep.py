"""Sweeps: backends, the cache, interruption, divergence, and what is refused."""

import _thread
import pickle
import threading
import time
import warnings

import numpy as np
import pytest
import torch
from joblib import parallel_config
from torch import nn

import epbook as ep
from epbook.training import (
    DivergedError,
    DivergenceWarning,
    descent,
    sweep,
)

WIDTHS, SEEDS = (3, 20, 6), (4, 0, 2)
OPTIONS = {"steps": 9000, "lr": 0.05}


@pytest.fixture(scope="module")
def data():
    return ep.data.relu_teacher()


@pytest.fixture(scope="module")
def reference(data):
    return ep.train_many(WIDTHS, SEEDS, *data, **OPTIONS, jobs=1)


def same(one, other):
    """Equal to the last bit, in whatever order the nets were asked for."""
    return one.records == other.records


def test_neither_threads_nor_order_matter(data, reference):
    assert same(reference, ep.train_many(sorted(WIDTHS), sorted(SEEDS), *data, **OPTIONS, jobs=2))


def test_processes_of_a_dask_cluster(data, reference):
    distributed = pytest.importorskip("distributed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the cluster's own, not ours
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
        )
        with cluster, distributed.Client(cluster), parallel_config(backend="dask"):
            runs = ep.train_many(WIDTHS, SEEDS, *data, **OPTIONS)
    assert same(reference, runs)


def test_start_is_two_layer(data, reference):
    ours, plain = reference.start(6, 2), ep.two_layer(1, 6, std=6**-2, seed=2)
    assert all(torch.equal(p, q) for p, q in zip(ours.parameters(), plain.parameters(), strict=True))


def test_every_step_is_counted(data, reference):
    for m in WIDTHS:
        assert reference.spectrum(m).shape == (200,)
        assert reference.spectrum(m).sum() + sum(reference.outside(m)) == len(SEEDS) * OPTIONS["steps"]


def test_memory_does_not_grow_with_steps(data):
    short, long = (ep.train_many([2], [0], *data, steps=steps, lr=0.05) for steps in (2000, 200_000))
    assert long.losses(2, 0)[0][-1] == 200_000
    assert len(long.losses(2, 0)[0]) < 402
    assert len(long.losses(2, 0)[0]) < 2 * len(short.losses(2, 0)[0])


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_an_interruption_ends_the_threads_too(data, monkeypatch, activation):
    """In a live session the interpreter goes on after Ctrl-C, and so would the threads, for days."""
    begun, ended = [], []
    descend = sweep.descend

    def watched(*args, **options):
        begun.append(options)
        try:
            return descend(*args, **options)
        finally:
            ended.append(options)

    def interrupt():
        while not begun:
            time.sleep(0.01)
        _thread.interrupt_main()

    monkeypatch.setattr(sweep, "descend", watched)
    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        ep.train_many([300], 3, *data, steps=10**9, lr=0.05, activation=activation, jobs=2)
    patience = time.monotonic() + 60  # on a machine that does other work; else about a tenth of a second
    while len(ended) < len(begun) and time.monotonic() < patience:
        time.sleep(0.01)
    assert len(ended) == len(begun) > 0


def test_a_failure_in_one_net_ends_the_others(data, monkeypatch):
    stops = []
    monkeypatch.setattr(sweep, "descend", lambda *args, stop, **options: stops.append(stop) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ep.train_many([3], 2, *data, steps=10, lr=0.05, jobs=2)
    assert all(stop.asked for stop in stops)


def test_a_large_net_can_be_left_within_a_block(monkeypatch):
    """Steps of the plain kernel that take long are taken few at a time; the numbers are the same."""
    rng = np.random.default_rng(0)
    start, x, y = (
        (rng.normal(size=(9, 3)), rng.normal(size=(2, 9))),
        rng.normal(size=(7, 2)),
        rng.normal(size=(7, 2)),
    )
    options = {"steps": 50, "lr": 0.01, "kind": "tanh", "keep_at": (13,)}
    whole = descent.descend(start, x, y, **options)
    monkeypatch.setattr(descent, "PATIENCE", 1000)
    assert descent.descend(start, x, y, **options) == whole
    looks = []

    class Second(descent.Stop):
        def check(self):
            looks.append(1)
            self.asked = len(looks) == 2
            super().check()

    with pytest.raises(descent.Stopped):
        descent.descend(start, x, y, **options, stop=Second())


def test_divergence_is_reported_and_the_others_are_kept(data, tmp_path):
    options = {"std": lambda m: 0.1 if m == 3 else 5.0, "activation": "identity"}
    report = r"width 6, seed 1: the loss is not finite at step \d+: the step size is too large \(lr = 0.05\)"
    for _ in range(2):  # the second time from the cache
        with pytest.warns(DivergenceWarning, match=report):
            runs = ep.train_many([3, 6], [1], *data, steps=500, lr=0.05, **options, cache=tmp_path)
        assert list(runs.diverged) == [(6, 1)]
        assert 0 < runs.diverged[6, 1] < 500
        assert (runs.status, runs.record(6, 1).status, runs.record(3, 1).status) == (
            "diverged",
            "diverged",
            "finished",
        )
        assert "width 6, seed 1" in runs.reason
        with pytest.raises(DivergedError, match="width 6, seed 1 diverged at step"):
            runs.final(6, 1)
        assert np.isfinite(runs.losses(6, 1)[1]).all()
        assert np.isfinite(runs.losses(3, 1)[1][-1])


def test_divergence_of_a_relu_net(data):
    """With steps that are too large ReLU neurons die rather than diverge; numbers can still overflow."""
    report = "width 6, seed 1: the loss is not finite at step 0: the start or the data are too large"
    with pytest.warns(DivergenceWarning, match=report):
        runs = ep.train_many([6], [1], *data, steps=500, lr=0.05, std=1e160)
    assert runs.diverged == {(6, 1): 0}


def test_runs_can_be_stored(data):
    runs = ep.train_many([3], 2, *data, steps=50, lr=0.05, std=lambda m: m**-1)
    again = pickle.loads(pickle.dumps(runs))
    pairs = zip(runs.start(3, 1).parameters(), again.start(3, 1).parameters(), strict=True)
    assert all(torch.equal(p, q) for p, q in pairs)


def test_the_band_is_watched_to_the_last_step(data):
    end = ep.train_many([6], [0], *data, steps=50, lr=0.05).losses(6, 0)[1][-1]
    runs = ep.train_many([6], [0], *data, steps=50, lr=0.05, keep_band=(end, end))
    step, net = runs.entered(6, 0)
    assert step == 50
    assert torch.equal(net[0].weight, runs.final(6, 0)[0].weight)


def test_weights_that_overflow_unseen_are_a_divergence(data):
    """At this step size neurons become NaN, and a NaN neuron is on nowhere: the loss stays finite."""
    with pytest.warns(DivergenceWarning):
        runs = ep.train_many([6], 3, *data, steps=20, lr=1e308)
    assert len(runs.diverged) == 3


def test_pauses_are_where_a_run_is_slowest(data):
    x, y = data
    runs = ep.train_many([2], 8, x, y, steps=40_000, lr=0.05)
    minimum = np.log10(0.0273336)  # of width 1
    for seed in runs.seeds:
        _, losses = runs.losses(2, seed)
        pauses = runs.pauses(2, seed)
        held = runs.record(2, seed).counts[1:-1] >= 400
        assert np.isin(np.digitize(pauses, runs.edges) - 1, np.flatnonzero(held)).all()
        assert np.isin(pauses, np.log10(losses)).all()
    everywhere = np.concatenate([runs.pauses(2, seed) for seed in runs.seeds])
    assert abs(everywhere - minimum).min() < 1e-3
    assert len(runs.pauses(2, 0, share=1.0)) <= 1


def test_a_run_without_a_loss_has_no_pauses(data):
    """log 0 is no number; numpy's warnings about it would be errors here."""
    x, y = data
    runs = ep.train_many([2], [0], x, 0 * y, steps=100, lr=0.05, std=0.0)
    assert (runs.losses(2, 0)[1] == 0).all()
    assert len(runs.pauses(2, 0)) == 0


def test_an_activation_that_works_in_place_is_the_one_that_does_not(data):
    one, other = (
        ep.train_many([3], 1, *data, **OPTIONS, activation=nn.ReLU(inplace=flag)) for flag in (0, 1)
    )
    assert one == other


def test_a_backend_that_hands_back_nothing_before_the_end_is_refused(data):
    with (
        parallel_config(backend="multiprocessing"),
        pytest.raises(ValueError, match=r"cannot hand back each net as it ends.*'loky', 'dask' or 'ray'"),
    ):
        ep.train_many([3], 2, *data, **OPTIONS, jobs=2)


def test_results_are_compared_by_value(data):
    one, two, other = (ep.train_many([3], 1, *data, steps=steps, lr=0.05) for steps in (50, 50, 51))
    assert one == two != other
    assert one.record(3, 0) == two.record(3, 0) != other.record(3, 0)


def test_a_net_that_was_not_trained(reference):
    with pytest.raises(KeyError, match="no net of width 5 and seed 0"):
        reference.final(5, 0)
    with pytest.raises(KeyError, match="step 3 of width 6, seed 0 was not kept"):
        reference.at(3, 6, 0)
