"""The store: nothing lost, nothing believed, whatever happens to the disk, the process or the file."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
import traceback
import warnings
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest

from epbook import store as room
from epbook.store import DamagedCacheWarning, Store

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
def test_a_file_that_another_renames_while_we_sweep_leaves_nothing_of_ours(tmp_path, monkeypatch):
    """Seen once in many runs: the other's file was there when listed and renamed when looked at."""
    gone, dead = tmp_path / "run.npz.1.partial", tmp_path / "run.npz.2.partial"
    dead.write_bytes(b"half")
    os.utime(dead, (0, time.time() - 2 * room.LEFT_OVER))
    listed = [gone, dead]
    monkeypatch.setattr(type(tmp_path), "glob", lambda folder, pattern: iter(listed))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Store(tmp_path).load("run", KEY) is None
    assert list(tmp_path.iterdir()) == []


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


def test_threads_read_one_after_the_other(filled, monkeypatch):
    """With two inside of np.load, CPython 3.11 calls a whole file damaged, once in thousands of times."""
    store, _ = filled
    inside, most, load = [], [], np.load

    def slow_load(*args, **options):
        inside.append(None)
        most.append(len(inside))
        time.sleep(0.002)
        try:
            return load(*args, **options)
        finally:
            inside.pop()

    monkeypatch.setattr(np, "load", slow_load)
    threads = [threading.Thread(target=lambda: store.load("run", KEY)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8
