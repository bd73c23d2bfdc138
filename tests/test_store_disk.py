"""The store on a disk that is full, read-only or not there: one warning, and the work goes on."""

from __future__ import annotations

import os
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from epbook.store import CacheWarning, Store

KEY, OTHER = "a" * 64, "b" * 64
LARGE = {"values": np.arange(300_000.0), "name": np.array("large")}
SMALL = {"values": np.arange(5.0)}

posix = pytest.mark.skipif(os.name != "posix", reason="needs fork and signals")


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


def test_a_folder_whose_name_no_disk_takes_is_a_warning_and_not_the_end(tmp_path):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert Store(tmp_path / ("a" * 300)).load("run", KEY) is None
    assert "nothing can be stored" in str(told[-1].message)
