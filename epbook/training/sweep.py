"""train_many: whole ensembles of two-layer nets, on every core or on a cluster."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numba
import numpy as np
import torch
from joblib import Parallel, delayed
from torch import Tensor, nn

from epbook.activations import KNOWN, ActivationLike, activation_of, module_from
from epbook.checks import interval, numbers_from, positive, several, spread, table, whole
from epbook.networks import two_layer
from epbook.progress import progress
from epbook.training import cache as store
from epbook.training.descent import Record, State, descend
from epbook.training.fused import ACTIVATIONS
from epbook.training.runs import Runs


class DivergenceWarning(UserWarning):
    """The step size was too large for some nets of an ensemble."""


def train_many(
    widths: Iterable[int],
    seeds: Iterable[int] | int,
    x: Tensor,
    y: Tensor,
    *,
    steps: int,
    lr: float,
    std: Callable[[int], float] | float | None = None,
    activation: ActivationLike = nn.ReLU,
    keep_at: Iterable[int] = (),
    keep_band: tuple[float, float] | None = None,
    cache: str | Path | None = None,
    jobs: int | None = -1,
) -> Runs:
    """Train two-layer nets of every width from every seed by full-batch gradient descent.

    θ ← θ − lr ∇L(θ), L = mean squared error; the start is `two_layer(…, std=std(m), seed=seed)`.

    widths: numbers m of hidden neurons; seeds: an iterable, or a number n for range(n).
    x: (n, d), y: (n, k), finite; taken to float64, in which everything is computed.
    std: of all parameters at the start, as a function of m or a number; default m**-2.
    activation: "relu", "tanh", "sigmoid", "softplus", "silu", "gelu", "identity", its nn class or a module.
    Kept of each net: its loss at every step as counts in 200 bins of log10 loss on [−5, 0], the loss curve on
    a logarithmic grid of steps, the final state, the states at the steps `keep_at` and at the first step
    whose loss lies within `keep_band` = (low, high). Memory does not grow with `steps`; each kept state takes
    up to 8192 steps more of time.
    cache: folder for finished nets, from which an interrupted or extended sweep goes on; a file that is
    damaged or foreign is recomputed with a warning. jobs: as joblib's n_jobs (−1: every core; None: as set
    by `joblib.parallel_config`); a backend set there, Dask's or Ray's for instance, is used. The numbers
    depend on neither, nor on the order of the nets.
    Raises ValueError for empty, complex or non-finite data, shapes that do not match, widths or steps below
    1, repeated or no values, lr, std, keep_at or keep_band out of range, an unknown activation. A net that
    diverges is reported by a DivergenceWarning; the others are kept.
    Source: chapter section 1.1. ReLU nets with one input and output take the kernel of `relu_line`, which
    from the same start gives the same numbers, to the last bit, on every processor.

    >>> from epbook.data import relu_teacher
    >>> runs = train_many([2], 3, *relu_teacher(), steps=1000, lr=0.05)
    >>> int(runs.spectrum(2).sum())
    3000
    """
    inputs, targets = table(x, "x"), table(y, "y")
    if len(inputs) != len(targets):
        raise ValueError(f"x has {len(inputs)} rows but y has {len(targets)}")
    widths, seeds = several(widths, "widths", 1), several(numbers_from(seeds), "seeds", 0)
    steps, lr = whole(steps, "steps", 1), positive(lr, "lr")
    keep = tuple(sorted(several(keep_at, "keep_at", 0, empty=True)))
    if keep and keep[-1] > steps:
        raise ValueError(f"keep_at asks for step {keep[-1]}, training ends at {steps}")
    module = module_from(activation)
    kind = activation_of(module).name
    if activation_of(module) is not KNOWN.get(type(module)) or kind not in ACTIVATIONS:
        raise ValueError(f"unknown activation {activation!r}: known are {', '.join(ACTIVATIONS)}")
    stds = {m: spread(std, m) for m in widths}
    runs = Runs(widths, seeds, {}, inputs.shape[1], targets.shape[1], module, stds)
    options = {
        "steps": steps,
        "lr": lr,
        "kind": kind,
        "keep_at": keep,
        "band": interval(keep_band, "keep_band"),
    }

    todo = []
    for net in ((m, seed) for m in sorted(widths, reverse=True) for seed in seeds):  # costly ones first
        start = _start(runs, *net)
        path, key = _place(cache, net, options, start, inputs, targets)
        record = None if path is None else store.load(path, key)
        if record is None:
            todo.append((net, start, path, key))
        else:
            runs.records[net] = record
    # Kernels release the interpreter: threads need neither copies nor processes. A backend that is set by
    # parallel_config goes before this preference.
    pool = Parallel(n_jobs=jobs, prefer="threads", return_as="generator_unordered")
    tasks = (delayed(_train)(net, start, inputs, targets, options) for net, start, _, _ in todo)
    places = {net: (path, key) for net, _, path, key in todo}
    with progress(label="nets", total=len(widths) * len(seeds), initial=len(runs.records)) as bar:
        for net, record in pool(tasks):
            path, key = places[net]
            if path is not None:
                store.save(path, key, record)
            runs.records[net] = record
            bar.update()
    for (m, seed), step in sorted(runs.diverged.items()):
        warnings.warn(
            f"width {m}, seed {seed}: the loss is not finite at step {step}; "
            + (f"lr = {lr} is too large for it" if step else "the start or the data are too large"),
            DivergenceWarning,
            stacklevel=2,
        )
    return runs


def _train(net, start: State, x: np.ndarray, y: np.ndarray, options: dict) -> tuple[tuple[int, int], Record]:
    return net, descend(start, x, y, **options)


def _start(runs: Runs, width: int, seed: int) -> State:
    net = two_layer(runs.inputs, width, outputs=runs.outputs, std=runs.stds[width], seed=seed)
    hidden = torch.cat([net[0].weight, net[0].bias[:, None]], dim=1)
    return hidden.detach().numpy(), net[2].weight.detach().numpy()


def _place(cache, net: tuple[int, int], options: dict, *arrays) -> tuple[Path | None, str]:
    if cache is None:
        return None, ""
    (hidden, out), x, y = arrays
    key = store.fingerprint({**options, "numba": numba.__version__}, hidden, out, x, y)
    # The name holds the seed for people and half of the key for the case that settings change.
    return Path(cache) / f"width{net[0]}-seed{net[1]}-{key[:16]}.npz", key
