"""The cache of sweeps: what was interrupted goes on, and nothing answers for another problem."""

import threading
import warnings

import pytest

import epbook as ep
from epbook.training import CacheWarning, DamagedCacheWarning, sweep

WIDTHS, SEEDS = (3, 20, 6), (4, 0, 2)
OPTIONS = {"steps": 9000, "lr": 0.05}


@pytest.fixture(scope="module")
def data():
    return ep.data.relu_teacher()


def test_an_interrupted_sweep_goes_on(data, tmp_path, monkeypatch):
    reference = ep.train_many(WIDTHS, SEEDS, *data, **OPTIONS, jobs=1)
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
    assert reference == ep.train_many(WIDTHS, SEEDS, *data, **OPTIONS, cache=tmp_path, jobs=1)
    assert len(computed) == len(WIDTHS) * len(SEEDS) - 4
    assert reference == ep.train_many(WIDTHS, SEEDS, *data, **OPTIONS, cache=tmp_path, jobs=1)
    assert len(computed) == len(WIDTHS) * len(SEEDS) - 4


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
