"""Results on disk: found again after an interruption, never believed when in doubt, no reason to stop."""

from __future__ import annotations

import hashlib
import io
import json
import os
import threading
import time
import uuid
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epbook.given import Given, differentiable, flat, unflat
from epbook.networks import forward

VERSIONS = {"numba": numba.__version__, "numpy": np.__version__, "torch": torch.__version__}
SCALES = (0.01, 1.0, 100.0)  # of the made-up parameters at which a loss is tried
HEX = 64  # characters of a SHA-256
LEFT_OVER = 600.0  # seconds without a write after which nobody is writing a file any more
# NumPy reads the head of an array with `ast`, whose depth CPython 3.11 counts for all threads together: where
# one is interrupted in the middle, the other is told of a "recursion depth mismatch", and a whole file looks
# damaged.
ONE_AT_A_TIME = threading.Lock()


class CacheWarning(UserWarning):
    """Results cannot be stored where they were to be; they are computed and returned all the same.

    Source: the conventions of the whole book.
    """


class DamagedCacheWarning(CacheWarning):
    """A file of the cache is unreadable, was changed, or belongs to something else; it is recomputed.

    Source: the conventions of the whole book.
    """


def digest(*paths: Path) -> str:
    """SHA-256 of source files: of each file named, and of all Python files below each folder named.

    A module that stores results takes it once, while it is imported: then it is that of the code that is
    loaded, whatever is edited later. Raises OSError for a file that is not there.
    Source: FIPS 180-4.

    >>> digest(Path(__file__).parent / "store.py") == digest(Path(__file__).parent)
    False
    """
    state = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            content = file.read_bytes()
            state.update(f"{file.name} {len(content)}\n".encode() + content)
    return state.hexdigest()


def fingerprint(code: str, settings: Mapping[str, object], values: Iterable[Tensor | NDArray | None]) -> str:
    """The key of a result: a hash of all that it depends on.

    SHA-256(code, settings, versions of the libraries, and of each value its type, shape and bits).

    code: `digest` of the sources that make the result. settings: what JSON can hold. values: tensors and
    arrays of any shape: the start, the data, and `behaviour` where a loss or an activation may be any
    function. Raises TypeError for a setting that JSON cannot hold. Source: FIPS 180-4.

    >>> one, two = (fingerprint("", {"lr": lr}, [torch.ones(3)]) for lr in (0.1, 0.2))
    >>> one == two, len(one)
    (False, 64)
    """
    state = hashlib.sha256(json.dumps([code, dict(settings), VERSIONS], sort_keys=True).encode())
    for value in values:
        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
        if array is None:
            state.update(b"none")
        else:
            state.update(f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return state.hexdigest()


def behaviour(given: Given) -> list[Tensor]:
    """What tells a loss and activations apart whatever functions they are, closures and settings included.

    R and ∇R in all their bits at the start θ, and at made-up parameters c·u for c = 0.01, 1, 100, with u
    of many magnitudes: two functions that agree where training starts may differ where it goes. What the
    loss refuses (a logarithm's, of a negative number) is told apart by the refusal alone.

    Returns tensors of one number or (P,) each. Computed on one thread, since sums depend on their number.
    Raises nothing of its own. Source: the conventions of the whole book.

    >>> from torch import nn
    >>> from epbook.given import read
    >>> from epbook.networks import two_layer
    >>> x, near = torch.zeros(2, 1), torch.zeros(2, 1)
    >>> one, two = (behaviour(read(two_layer(1, 2), x, near, loss=nn.HuberLoss(delta=d))) for d in (1, 9))
    >>> torch.equal(one[0], two[0]), torch.equal(one[-1], two[-1])
    (True, False)
    """
    theta = flat(given.layers)
    rng = np.random.default_rng(0)
    made_up = rng.choice([-1.0, 1.0], theta.numel()) * 10.0 ** rng.uniform(-1, 1, theta.numel())
    places = [theta, *(torch.as_tensor(scale * made_up).to(theta.device) for scale in SCALES)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with differentiable():
            return [_value_and_gradient(given, place) for place in places]
    finally:
        torch.set_num_threads(threads)


def _value_and_gradient(given: Given, theta: Tensor) -> Tensor:
    theta = theta.detach().clone().requires_grad_(True)
    try:
        value = given.loss(forward(unflat(given.layers, theta), given.x), given.y)
        (slope,) = torch.autograd.grad(value, theta, materialize_grads=True)
    except Exception:  # a reader's loss may refuse made-up outputs in any way
        return torch.empty(0)
    return torch.cat([value.detach().reshape(1), slope])


class Store:
    """A folder of results, each in a file of its own: arrays under a key, as `fingerprint` makes it.

    A file is written under a name that no other thread, process or machine takes, and then renamed: who
    reads sees all of it or nothing, at any time and after any death. It ends in its key and the SHA-256 of
    all that stands before; what is damaged, foreign or too short is refused with a DamagedCacheWarning that
    names it. Nothing that is read is executed. No failure to write ends the work: a CacheWarning says so
    once, before the work where it can be known by then.

    folder: None keeps nothing; "~" is the reader's home. Raises TypeError for what is no path.
    Source: the conventions of the whole book.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = Store(folder)
    ...     store.save("squares", "a" * 64, {"values": np.arange(3) ** 2})
    ...     Store(folder).load("squares", "a" * 64)["values"].tolist()
    [0, 1, 4]
    """

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        self.folder = None if folder is None else Path(os.path.expanduser(folder))
        self._warned = False
        self._tried = False

    def path(self, name: str, key: str) -> Path | None:
        """The file of a result: its name is for people, and has a part of the key, since settings change."""
        return None if self.folder is None else self.folder / f"{name}-{key[:16]}.npz"

    def load(self, name: str, key: str) -> dict[str, NDArray] | None:
        """The arrays stored under a key, of any shape; None where none are, or, with a warning, damaged."""
        path = self.path(name, key)
        if path is None:
            return None
        try:
            return _arrays(path.read_bytes(), key)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except Exception as error:  # whatever is wrong with a file, the answer is to compute it anew
            warnings.warn(f"recomputing {path}: {error}", DamagedCacheWarning, stacklevel=3)
        if not self._tried:
            self._tried = True
            self._try_to_write(path.parent)
        return None

    def save(self, name: str, key: str, arrays: Mapping[str, NDArray]) -> None:
        """Store arrays of any shape under a key, in one rename; a failure is a warning."""
        path = self.path(name, key)
        if path is None:
            return
        content = io.BytesIO()
        named: dict[str, Any] = dict(arrays)
        np.savez(content, **named)
        content.write(key.encode())
        content.write(_sha256(content.getvalue()))
        partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(content.getbuffer())
            partial.replace(path)
        except OSError as error:
            self._warn(error)
            _remove(partial)

    def _try_to_write(self, folder: Path) -> None:
        """Find out before the work whether results can be stored; sweep away what the dead have left."""
        trial = folder / f"{uuid.uuid4().hex}.partial"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            trial.write_bytes(bytes(4096))  # an empty file fits on a full disk
            found = list(folder.glob("*.partial"))
        except OSError as error:
            self._warn(error)
            found = []
        _remove(trial)
        for left in found:
            with suppress(OSError):  # another process may have renamed or swept it away before us
                if time.time() - left.stat().st_mtime > LEFT_OVER:
                    left.unlink()

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            reason = error.strerror or error
            warnings.warn(
                f"nothing can be stored in {self.folder} ({reason}): the results are computed and returned, "
                "but will not be found again. Give a folder that can be written",
                CacheWarning,
                stacklevel=4,
            )


def _remove(path: Path) -> None:
    with suppress(OSError):  # what cannot be removed does no harm
        path.unlink(missing_ok=True)


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _arrays(content: bytes, key: str) -> dict[str, NDArray]:
    """The arrays of a file, after it has shown that it is whole and belongs to the key."""
    inside, seal = content[:-HEX], content[-HEX:]
    if _sha256(inside) != seal:
        raise ValueError("its contents were changed")
    if inside[-HEX:] != key.encode():
        raise ValueError("it belongs to other settings or another version")
    with ONE_AT_A_TIME, np.load(io.BytesIO(inside[:-HEX]), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
