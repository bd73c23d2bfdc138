"""Sweeps: backends, the cache, interruption, divergence, and what is refused."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from joblib import parallel_config
from torch import nn

import epbook as ep
from epbook.training import DamagedCacheWarning, DivergedError, DivergenceWarning, sweep

WIDTHS, SEEDS = (3, 20, 6), (4, 0, 2)
OPTIONS = {"steps": 9000, "lr": 0.05}


@pytest.fixture(scope="module")
def data():
    return ep.data.relu_teacher()


@pytest.fixture(scope="module")
def reference(data):
    return ep.train_many(WIDTHS, SEEDS, *data, **OPTIONS, jobs=1)


def same(one, other):
    """Equal to the last bit."""
    for m in WIDTHS:
        assert np.array_equal(one.spectrum(m), other.spectrum(m))
        for seed in SEEDS:
            assert np.array_equal(one.losses(m, seed)[1], other.losses(m, seed)[1])
            pairs = zip(one.final(m, seed).parameters(), other.final(m, seed).parameters(), strict=True)
            assert all(torch.equal(p, q) for p, q in pairs)
    return True


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
    save = sweep.store.save

    def interrupted(path, key, record):
        save(path, key, record)
        done.append(path)
        if len(done) == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sweep.store, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ep.train_many(WIDTHS, SEEDS, *data, **OPTIONS, cache=tmp_path, jobs=1)
    assert len(list(tmp_path.glob("*.npz"))) == 4
    computed = []
    train = sweep._train
    monkeypatch.setattr(sweep, "_train", lambda net, *rest: computed.append(net) or train(net, *rest))
    assert same(reference, ep.train_many(WIDTHS, SEEDS, *data, **OPTIONS, cache=tmp_path, jobs=1))
    assert len(computed) == len(WIDTHS) * len(SEEDS) - 4
    assert same(reference, ep.train_many(WIDTHS, SEEDS, *data, **OPTIONS, cache=tmp_path, jobs=1))
    assert len(computed) == len(WIDTHS) * len(SEEDS) - 4


@pytest.mark.parametrize("harm", ["truncate", "flip", "foreign", "nonsense"])
def test_a_damaged_or_foreign_file_is_not_believed(data, tmp_path, harm):
    true = ep.train_many([3], [1], *data, **OPTIONS, cache=tmp_path)
    (path,) = tmp_path.glob("*.npz")
    content = path.read_bytes()
    if harm == "truncate":
        path.write_bytes(content[: len(content) // 2])
    elif harm == "nonsense":
        path.write_bytes(b"these are not arrays")
    elif harm == "flip":
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        arrays["counts"][100] += 1
        np.savez(path, **arrays)
    else:
        other = tmp_path / "other"
        ep.train_many([3], [1], *data, steps=9000, lr=0.04, cache=other)
        (foreign,) = other.glob("*.npz")
        path.write_bytes(foreign.read_bytes())
    with pytest.warns(DamagedCacheWarning, match=path.name):
        again = ep.train_many([3], [1], *data, **OPTIONS, cache=tmp_path)
    assert np.array_equal(true.spectrum(3), again.spectrum(3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # mended
        ep.train_many([3], [1], *data, **OPTIONS, cache=tmp_path)


def test_divergence_is_reported_and_the_others_are_kept(data, tmp_path):
    options = {"std": lambda m: 0.1 if m == 3 else 5.0, "activation": "identity"}
    report = r"width 6, seed 1: the loss is not finite at step \d+; lr = 0.05"
    for _ in range(2):  # the second time from the cache
        with pytest.warns(DivergenceWarning, match=report):
            runs = ep.train_many([3, 6], [1], *data, steps=500, lr=0.05, **options, cache=tmp_path)
        assert list(runs.diverged) == [(6, 1)]
        assert 0 < runs.diverged[6, 1] < 500
        with pytest.raises(DivergedError, match="width 6, seed 1 diverged at step"):
            runs.final(6, 1)
        assert np.isfinite(runs.losses(6, 1)[1]).all()
        assert np.isfinite(runs.losses(3, 1)[1][-1])


def test_divergence_of_a_relu_net(data):
    """With steps that are too large ReLU neurons die rather than diverge; numbers can still overflow."""
    with pytest.warns(DivergenceWarning, match="width 6, seed 1: the loss is not finite at step 0"):
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
        ({"activation": nn.Softmax}, "unknown activation"),
        ({"keep_at": [11]}, "keep_at asks for step 11, training ends at 10"),
        ({"keep_band": (2.0, 1.0)}, "keep_band"),
        ({"std": -1.0}, "std must be finite and not negative, got -1.0"),
        ({"std": lambda m: None}, "std must be finite and not negative, got None for width 2"),
        ({"x": PAIR * 1j}, "x must be real, got torch.complex128"),
        ({"x": None}, "x must be a table of numbers, got None"),
        ({"widths": 2}, "widths must be a collection of whole numbers, got 2"),
        ({"widths": [float("nan")]}, "widths must be a whole number of at least 1, got nan"),
        ({"widths": [True]}, "got True"),
        ({"seeds": True}, "seeds must be a collection of whole numbers, got True"),
        ({"seeds": 2.0}, "seeds must be a collection of whole numbers, got 2.0"),
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
    assert len(list(tmp_path.glob("*.npz"))) == 2  # the second sweep has found the first one's


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


def test_a_net_that_was_not_trained(reference):
    with pytest.raises(KeyError, match="no net of width 5 and seed 0"):
        reference.final(5, 0)
    with pytest.raises(KeyError, match="step 3 of width 6, seed 0 was not kept"):
        reference.at(3, 6, 0)
