"""The four idx files of MNIST: where they are looked for, how they are read, checked and downloaded."""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from epbook.extras import needs

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


def read_all(asked: str | os.PathLike | None, *, insist: bool) -> dict[str, np.ndarray] | None:
    """The arrays of the first folder that holds MNIST, by the keys of `FILES`; None where none was found.

    A folder that the caller or EPBOOK_DATA names must hold it. Another that holds something else under these
    names is passed over with a warning, since nobody may have meant it for MNIST, unless we `insist`.
    """
    named = asked if asked is not None else os.environ.get("EPBOOK_DATA") or None
    places = [Path(named).expanduser()] if named is not None else [cache_folder(), Path("data")]
    for place in places:
        for folder in (place, place / "MNIST" / "raw"):
            found = {key: _path(folder, name) for key, (name, *_) in FILES.items()}
            missing = [FILES[key][0] for key, path in found.items() if path is None]
            if len(missing) == len(FILES):
                continue
            try:
                if missing:
                    raise FileNotFoundError(
                        f"{folder} holds a part of MNIST, but not {', '.join(missing)}(.gz)"
                    )
                return {key: _read(path, key) for key, path in found.items() if path is not None}
            except (FileNotFoundError, ValueError) as error:
                if named is not None or insist:
                    raise
                warnings.warn(f"{folder} is passed over: {error}", stacklevel=3)
    if named is not None:
        raise FileNotFoundError(f"{named} holds none of MNIST's files, such as {FILES['test images'][0]}.gz")
    return None


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
    with needs("data"):
        import pooch

    into = Path(folder).expanduser() if folder is not None else cache_folder()
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


def cache_folder() -> Path:
    """Where `download_mnist` puts the files, and `mnist` looks for them."""
    with needs("data"):
        import pooch

    return Path(pooch.os_cache("epbook")) / "mnist"


def _path(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def _read(path: Path, key: str) -> np.ndarray:
    """One idx file: four bytes (0, 0, 8 = unsigned byte, dimensions), the sizes, then the values."""
    _, _, checksum, shape = FILES[key]
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is truncated or corrupt: {error}") from error
    header = 4 + 4 * len(shape)
    sizes = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, header, 4))
    if content[:4] != bytes((0, 0, 8, len(shape))) or sizes != shape:
        raise ValueError(f"{path} is not MNIST's {key}: header {content[:header].hex(' ')}")
    if len(content) != header + math.prod(shape):
        raise ValueError(
            f"{path} is truncated or corrupt: {len(content):,} bytes, {header + math.prod(shape):,} due"
        )
    if hashlib.sha256(content).hexdigest() != checksum:
        raise ValueError(f"{path} is corrupt, or another data set: its SHA-256 is not that of MNIST")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape[0], -1).squeeze()
