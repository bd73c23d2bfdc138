"""Finished parts of a sweep on disk: found again after an interruption, never believed when in doubt."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from pathlib import Path

import numpy as np

from epbook.training.compiled import digest
from epbook.training.descent import Record

CODE = digest(Path(__file__).parent).encode()  # of the code that is loaded, whatever is edited later


class DamagedCacheWarning(UserWarning):
    """A file of the cache is unreadable, was changed, or belongs to other settings; it is recomputed."""


def fingerprint(settings: dict, *arrays: np.ndarray) -> str:
    """Hash of everything a training run depends on: settings, arrays, and this package's own code."""
    state = hashlib.sha256(json.dumps(settings, sort_keys=True).encode() + CODE)
    for array in arrays:
        state.update(f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return state.hexdigest()


def _digest(arrays: dict[str, np.ndarray]) -> str:
    state = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        state.update(f"{name}{array.dtype}{array.shape}".encode() + array.tobytes())
    return state.hexdigest()


def save(path: Path, key: str, record: Record) -> None:
    """Write one run; a reader sees the whole file or none."""
    arrays = {"key": np.array(key), "counts": record.counts, "steps": record.steps, "losses": record.losses}
    arrays["diverged"] = np.array(-1 if record.diverged is None else record.diverged)
    states = {"final": record.final, **{f"kept{step}": state for step, state in record.kept.items()}}
    if record.entered is not None:
        arrays["entered"] = np.array(record.entered[0])
        states["entry"] = record.entered[1]
    for name, (hidden, out) in states.items():
        arrays[f"{name}.hidden"], arrays[f"{name}.out"] = hidden, out
    arrays["digest"] = np.array(_digest(arrays))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        np.savez(file, **arrays)
    partial.replace(path)


def load(path: Path, key: str) -> Record | None:
    """Read one run, or None where there is none to trust; says so where a file had to be refused."""
    if not path.exists():
        return None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        stored = str(arrays.pop("digest"))
        if stored != _digest(arrays):
            raise ValueError("its contents were changed")
        if str(arrays["key"]) != key:
            raise ValueError("it belongs to other settings or another version")
        return _record(arrays)
    except Exception as error:  # whatever is wrong with a file of the cache, the answer is to compute it
        warnings.warn(f"recomputing {path}: {error}", DamagedCacheWarning, stacklevel=2)
        return None


def _record(arrays: dict[str, np.ndarray]) -> Record:
    states = {
        name.removesuffix(".hidden"): (arrays[name], arrays[name.removesuffix("hidden") + "out"])
        for name in arrays
        if name.endswith(".hidden")
    }
    diverged = int(arrays["diverged"])
    return Record(
        arrays["counts"],
        arrays["steps"],
        arrays["losses"],
        states["final"],
        {int(name.removeprefix("kept")): state for name, state in states.items() if name.startswith("kept")},
        (int(arrays["entered"]), states["entry"]) if "entered" in arrays else None,
        None if diverged < 0 else diverged,
    )
