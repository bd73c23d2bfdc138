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
    CacheWarning,
    DamagedCacheWarning,
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


def test_an_interrupted_sweep_goes_on(data, reference, tmp_path, monkeypatch):
    done = []
    save = sweep.Store.save

    def interrupted(store, *result):
        save(store, *result)
        done.append(result)
        if len(done) == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sweep.Store, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ep.train_many(WIDTHS, SEEDS, *data, **OPTIONS, cache=tmp_path, jobs=1)
    assert len(list(tmp_path.glob("*.npz"))) == 4
    computed = []
    train = sweep._train
    monkeypatch.setattr(sweep, "_train", lambda net, *rest: computed.append(net) or train(net, *rest))
    assert same(reference, ep.train_many(WIDTHS, SEEDS, *data, **OPTIONS, cache=tmp_path, jobs=1))
    assert len(computed) == len(WIDTHS) * len(SEEDS) - 4
    assert reference == ep.train_many(WIDTHS, SEEDS, *data, **OPTIONS, cache=tmp_path, jobs=1)
    assert len(computed) == len(WIDTHS) * len(SEEDS) - 4


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


@pytest.mark.parametrize(
    "change", ["x", "y", "lr", "steps", "std", "activation", "keep_at", "keep_band", "code"]
)
def test_the_cache_never_answers_for_another_problem(data, tmp_path, monkeypatch, change):
    x, y = data
    base = {"x": x, "y": y, "lr": 0.05, "steps": 50, "std": 0.5, "activation": "tanh"}
    other = {
        "x": 2 * x, "y": 2 * y, "lr": 0.04, "steps": 60, "std": 0.4, "activation": "relu", "keep_at": [7],
        "keep_band": (0.0, 9.0), "code": None,
    }  # fmt: skip
    ep.train_many([3], [1], **base, cache=tmp_path)
    if change == "code":
        monkeypatch.setattr(sweep, "CODE", "of another version")
    else:
        base[change] = other[change]
    assert ep.train_many([3], [1], **base, cache=tmp_path) == ep.train_many([3], [1], **base)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_file_is_not_believed(data, tmp_path):
    true = ep.train_many([3], [1], *data, **OPTIONS, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.warns(DamagedCacheWarning, match=path.name):
        assert ep.train_many([3], [1], *data, **OPTIONS, cache=tmp_path) == true
    assert ep.train_many([3], [1], *data, **OPTIONS, cache=tmp_path) == true  # mended: no warning


def test_a_cache_that_cannot_be_written_is_said_at_once_and_ends_nothing(data, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    told = []
    descend = sweep.descend
    monkeypatch.setattr(
        sweep, "descend", lambda *args, **options: told.append(len(seen)) or descend(*args, **options)
    )
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        runs = ep.train_many([3, 4], 2, *data, **OPTIONS, cache=tmp_path / "file", jobs=1)
    assert [found.category for found in seen] == [CacheWarning]
    assert told == [1] * 4, "the warning came after hours of work"
    assert runs == ep.train_many([3, 4], 2, *data, **OPTIONS)


def test_sweeps_in_threads_share_a_cache(data, tmp_path):
    found = []
    threads = [
        threading.Thread(
            target=lambda: found.append(
                ep.train_many([5], 40, *data, steps=200, lr=0.05, cache=tmp_path, jobs=1)
            )
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert found[0] == found[1] == found[2]
    assert len(list(tmp_path.iterdir())) == 40


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


NAN = torch.tensor([[0.0], [float("nan")]], dtype=torch.float64)
PAIR = torch.tensor([[0.0], [1.0]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": PAIR[:0]}, r"x must have shape \(points, dimensions\) and not be empty, got \(0, 1\)"),
        ({"x": PAIR[:, 0]}, r"got \(2,\)"),
        ({"x": NAN}, r"x\[1, 0\] is nan"),
        ({"y": NAN}, r"y\[1, 0\] is nan"),
        ({"y": PAIR[:1]}, "x has 2 rows but y has 1"),
        ({"widths": [3, 0]}, "widths must be a whole number of at least 1, got 0"),
        ({"widths": [2.5]}, "got 2.5"),
        ({"widths": [2, 2]}, "repeats"),
        ({"widths": []}, "widths is empty"),
        ({"seeds": [-1]}, "got -1"),
        ({"steps": 0}, "steps must be a whole number of at least 1, got 0"),
        ({"lr": 0.0}, "lr must be positive and finite, got 0.0"),
        ({"lr": float("nan")}, "got nan"),
        ({"activation": "swish"}, "unknown activation 'swish': known"),
        ({"activation": nn.Softmax}, r"no compiled gradient descent for Softmax.*train_adam"),
        ({"activation": nn.Softplus(2.0)}, r"no compiled gradient descent for Softplus\(beta=2.0"),
        ({"activation": nn.GELU("tanh")}, "no compiled gradient descent for GELU"),
        ({"activation": nn.LeakyReLU}, "no compiled gradient descent for LeakyReLU"),
        ({"activation": type("Tanh", (nn.Tanh,), {"forward": lambda self, z: z})}, "no compiled gradient"),
        ({"keep_at": [11]}, "keep_at asks for step 11, training ends at 10"),
        ({"keep_band": (2.0, 1.0)}, "keep_band"),
        ({"std": -1.0}, "std must be finite and not negative, got -1.0"),
        ({"std": lambda m: None}, "std must be finite and not negative, got None for width 2"),
        ({"x": PAIR * 1j}, "x must be real, got torch.complex128"),
        ({"x": None}, "x must be a table of numbers, got None"),
        ({"widths": 2}, "widths must be a collection of whole numbers, got 2"),
        ({"widths": [float("nan")]}, "widths must be a whole number of at least 1, got nan"),
        ({"widths": [True]}, "got True"),
        ({"seeds": True}, "seeds must be a whole number of at least 1, got True"),
        ({"seeds": 2.5}, "seeds must be a whole number of at least 1, got 2.5"),
        ({"seeds": [2**64]}, "seeds must be a whole number of at least 0"),
        ({"seeds": list(torch.tensor([2, 2]))}, "seeds repeats a value"),
        ({"lr": True}, "lr must be positive and finite, got True"),
        ({"lr": 10**400}, "lr must be positive and finite"),
        ({"keep_band": (0.1, 0.2, 0.3)}, "keep_band must be"),
        ({"keep_band": 0.1}, "keep_band must be"),
    ],
)
def test_bad_input(change, message):
    call = {"widths": [2], "seeds": [0], "x": PAIR, "y": PAIR, "steps": 10, "lr": 0.1, **change}
    with pytest.raises(ValueError, match=message):
        ep.train_many(**call)


def test_numbers_of_other_libraries_are_numbers(tmp_path):
    options = {"steps": np.int64(10), "lr": np.float32(0.5), "cache": tmp_path}
    one = ep.train_many([np.int32(2)], np.int64(2), PAIR, PAIR, keep_band=(np.float32(0), 1), **options)
    options |= {"steps": 10.0, "lr": torch.tensor(0.5), "keep_at": ()}
    two = ep.train_many([2.0], range(2), PAIR, PAIR, keep_band=torch.tensor([0.0, 1.0]), **options)
    assert one.seeds == two.seeds == (0, 1)
    assert len(list(tmp_path.iterdir())) == 2  # the second sweep has found the first one's


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
