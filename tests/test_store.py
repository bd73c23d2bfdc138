"""The store: nothing lost, nothing believed, whatever happens to the disk, the process or the file."""

from __future__ import annotations

import os
import pickle
import signal
import tempfile
import threading
import time
import traceback
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

from epbook import store as room
from epbook.given import read
from epbook.networks import two_layer
from epbook.store import CacheWarning, DamagedCacheWarning, Store, behaviour, digest, fingerprint

KEY, OTHER = "a" * 64, "b" * 64
LARGE = {"values": np.arange(300_000.0), "name": np.array("large")}
SMALL = {"values": np.arange(5.0)}

posix = pytest.mark.skipif(os.name != "posix", reason="needs fork and signals")


@pytest.fixture
def filled(tmp_path):
    """A store with one small result, and its file."""
    store = Store(tmp_path)
    store.save("run", KEY, SMALL)
    return store, store.path("run", KEY)


@dataclass
class Child:
    number: int
    code: int | None = None


@contextmanager
def child(work):
    """A process of its own that does `work`, and how it ends: 0 where nothing was wrong, −9 where killed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads, which do nothing here
        number = os.fork()
    if number == 0:
        code = 1
        try:
            warnings.simplefilter("error")
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    ended = Child(number)
    yield ended
    ended.code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def test_what_is_stored_is_found_and_nothing_else(filled):
    store, path = filled
    assert np.array_equal(store.load("run", KEY)["values"], SMALL["values"])
    assert store.load("run", OTHER) is None
    assert [path] == list(path.parent.iterdir())
    with np.load(path) as file:  # an ordinary archive to people and other programs
        assert np.array_equal(file["values"], SMALL["values"])
    nothing = Store(None)
    nothing.save("run", KEY, SMALL)
    assert nothing.load("run", KEY) is None


def test_the_home_of_the_reader_is_meant_by_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    Store("~/results").save("run", KEY, SMALL)
    assert Store(tmp_path / "results").load("run", KEY) is not None


def test_every_flipped_bit_is_seen(filled):
    store, path = filled
    content = path.read_bytes()
    for place in range(0, len(content), 3):
        harmed = bytearray(content)
        harmed[place] ^= 1 << place % 8
        path.write_bytes(harmed)
        with pytest.warns(DamagedCacheWarning, match=f"recomputing .*{path.name}: its contents"):
            assert store.load("run", KEY) is None


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("harm", ["cut", "empty", "foreign", "nonsense", "folder", "objects", "pickle"])
def test_a_file_that_is_no_result_is_named_and_not_believed(filled, harm, tmp_path_factory):
    store, path = filled
    trace = tmp_path_factory.mktemp("elsewhere") / "executed"
    content = path.read_bytes()
    path.unlink()
    if harm == "folder":
        path.mkdir()
    elif harm == "foreign":
        store.save("run", OTHER, SMALL)
        store.path("run", OTHER).rename(path)
    elif harm == "objects":  # sealed as ours are, but with something to execute
        with path.open("wb") as file:
            np.savez(file, values=np.array([Payload(trace)], dtype=object))
        path.write_bytes(path.read_bytes() + KEY.encode())
        path.write_bytes(path.read_bytes() + room._sha256(path.read_bytes()))
    else:
        damaged = {"cut": content[:-100], "empty": b"", "nonsense": b"loss 0.0"}
        path.write_bytes(damaged[harm] if harm != "pickle" else pickle.dumps(Payload(trace)))
    with pytest.warns(DamagedCacheWarning, match=path.name):
        assert store.load("run", KEY) is None
    assert not trace.exists()
    if harm != "folder":
        store.save("run", KEY, SMALL)  # mended
        assert store.load("run", KEY) is not None


@posix
def test_a_process_killed_while_it_writes_leaves_the_whole_or_nothing(tmp_path):
    def write_for_ever():
        store = Store(tmp_path)
        while True:
            store.save("run", KEY, LARGE)

    def arrived():
        return len(list(tmp_path.iterdir())) > 0

    for wait in (0.0, 0.004, 0.015, 0.03):
        with child(write_for_ever) as writer:
            while not arrived():
                time.sleep(0.001)
            time.sleep(wait)
            os.kill(writer.number, signal.SIGKILL)
        assert writer.code == -signal.SIGKILL
        found = Store(tmp_path).load("run", KEY)  # a warning would be an error here
        assert found is None or np.array_equal(found["values"], LARGE["values"])


def test_what_the_dead_have_left_is_swept_away_and_what_the_living_write_is_not(tmp_path):
    dead, living = tmp_path / "run.npz.1.partial", tmp_path / "run.npz.2.partial"
    for left in (dead, living):
        left.write_bytes(b"half a result")
    os.utime(dead, (0, time.time() - 2 * room.LEFT_OVER))
    assert Store(tmp_path).load("run", KEY) is None
    assert list(tmp_path.iterdir()) == [living]


@posix
def test_two_processes_at_once(tmp_path):
    def write_and_read():
        store = Store(tmp_path)
        for _ in range(10):
            store.save("run", KEY, LARGE)
            assert np.array_equal(store.load("run", KEY)["values"], LARGE["values"])

    with child(write_and_read) as other:
        write_and_read()
    assert other.code == 0
    assert [path.name for path in tmp_path.iterdir()] == [f"run-{KEY[:16]}.npz"]


def test_many_threads_at_once(tmp_path):
    failed = []

    def write_and_read():
        try:
            store = Store(tmp_path)
            for _ in range(20):
                store.save("run", KEY, SMALL)
                assert store.load("run", KEY) is not None
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write_and_read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@contextmanager
def full_disk(limit=10_000):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))  # as on a full disk, a write fails half-way
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@posix
def test_a_full_disk_is_one_warning_and_leaves_nothing_behind(tmp_path):
    store = Store(tmp_path)
    with warnings.catch_warnings(record=True) as seen, full_disk():
        warnings.simplefilter("always")
        store.save("run", KEY, LARGE)
        store.save("run", KEY, LARGE)
    assert [found.category for found in seen] == [CacheWarning]
    assert str(tmp_path) in str(seen[0].message)
    assert list(tmp_path.iterdir()) == []
    store.save("run", KEY, LARGE)  # somebody has made room
    assert store.load("run", KEY) is not None


@posix
def test_a_disk_that_is_full_from_the_start_is_found_out_before_the_work(tmp_path):
    with full_disk(limit=100), pytest.warns(CacheWarning, match="nothing can be stored in"):
        Store(tmp_path).load("run", KEY)
    assert list(tmp_path.iterdir()) == []


@contextmanager
def nobody():
    """Without the rights of root, to whom no folder is read-only."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@posix
def test_a_read_only_folder_is_read_and_its_first_miss_warns_once():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Store(folder).save("run", KEY, SMALL)
        folder.chmod(0o555)
        try:
            with nobody():
                store = Store(folder)
                assert store.load("run", KEY) is not None  # silent: nothing has to be stored
                with pytest.warns(CacheWarning, match="Permission denied"):
                    assert store.load("run", OTHER) is None
                store.save("run", OTHER, SMALL)  # a second warning would be an error
        finally:
            folder.chmod(0o755)
        assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("inside", ["file", "file/below"])
def test_a_path_that_is_no_folder_is_found_out_before_the_work(tmp_path, inside):
    (tmp_path / "file").write_text("mine")
    store = Store(tmp_path / inside)
    with pytest.warns(CacheWarning, match="nothing can be stored"):
        assert store.load("run", KEY) is None
    store.save("run", KEY, SMALL)
    assert (tmp_path / "file").read_text() == "mine"


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
