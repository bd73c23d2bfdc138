"""train_many: whole ensembles of two-layer nets, on every core or on a cluster."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from joblib import Parallel, delayed
from numpy.typing import NDArray
from torch import Tensor, nn

from epbook.activations import ActivationLike, module_from, out_of_place
from epbook.checks import interval, numbers_from, positive, several, spread, table, whole
from epbook.given import layers
from epbook.networks import two_layer
from epbook.progress import progress
from epbook.results import DivergenceWarning
from epbook.store import Store, digest, fingerprint
from epbook.training.descent import Stop, Stopped, descend, kernel_of
from epbook.training.record import Record, State, steps_to_keep
from epbook.training.runs import Runs

HERE = Path(__file__).parent
SOURCES = ["descent", "fused", "record", "relu_line", "relu_neurons", "relu_patterns", "relu_steps", "sweep"]
CODE = digest(*(HERE / f"{name}.py" for name in SOURCES))


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
    activation: "relu", "tanh", "sigmoid", "softplus", "silu", "gelu", "identity", its nn class or a module;
    others have no compiled kernel, see `train_adam`.
    Kept of each net: its loss at every step as counts in 200 bins of log10 loss on [−5, 0], the loss curve on
    a logarithmic grid of steps, the final state, the states at the steps `keep_at` and at the first step
    whose loss lies within `keep_band` = (low, high). Memory does not grow with `steps`; each kept state takes
    up to 8192 steps more of time.
    cache: folder for finished nets, from which an interrupted or extended sweep goes on; see
    `epbook.store.Store` for what can happen to it. jobs: as joblib's n_jobs (−1: every core; None: as set
    by `joblib.parallel_config`); a backend set there, Dask's or Ray's for instance, is used. The numbers
    depend on neither, nor on the order of the nets. An interruption ends the threads too.
    Raises ValueError for empty, complex or non-finite data, shapes that do not match, widths or steps below
    1, repeated or no values, lr, std, keep_at or keep_band out of range, an activation without a kernel, a
    backend that hands back nothing before the end. A net that diverges is reported by a DivergenceWarning;
    the others are kept.
    Source: textbook section 1.1. ReLU nets with one input and output take the kernel of `relu_line`, which
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
    module = out_of_place(module_from(activation))
    options = {
        "steps": steps,
        "lr": lr,
        "kind": kernel_of(module),
        "keep_at": steps_to_keep(keep_at, steps),
        "band": interval(keep_band, "keep_band"),
    }
    stds = {m: spread(std, m) for m in widths}
    runs = Runs(widths, seeds, {}, inputs.shape[1], targets.shape[1], module, stds)
    pool = _pool(jobs)

    store = Store(cache)
    todo: dict[tuple[int, int], tuple[State, str]] = {}
    for net in ((m, seed) for m in sorted(widths, reverse=True) for seed in seeds):  # costly ones first
        start = _start(runs, *net)
        # σ and the loss are among a few known ones and told by name, so there is nothing to try out.
        key = fingerprint(CODE, options, [*start, inputs, targets])
        found = store.load(_name(net), key)
        if found is None:
            todo[net] = start, key
        else:
            runs.records[net] = Record.of(found)
    stop = Stop()
    tasks = (delayed(_train)(net, start, inputs, targets, options, stop) for net, (start, _) in todo.items())
    try:
        with progress(label="nets", total=len(widths) * len(seeds), initial=len(runs.records)) as bar:
            for net, record in pool(tasks):
                store.save(_name(net), todo[net][1], record.arrays())
                runs.records[net] = record
                bar.update()
    finally:
        stop.asked = True  # after Ctrl-C in a live session the threads would go on
    for net in sorted(runs.diverged):
        told = f"width {net[0]}, seed {net[1]}: {runs.records[net].reason} (lr = {lr})"
        warnings.warn(told, DivergenceWarning, stacklevel=2)
    return runs


def _pool(jobs: int | None) -> Parallel:
    """Kernels release the interpreter: threads need neither copies nor processes, unless others are set."""
    try:
        return Parallel(n_jobs=jobs, prefer="threads", return_as="generator_unordered")
    except ValueError as error:
        raise ValueError(
            f"this backend of joblib cannot hand back each net as it ends ({error}): leave parallel_config "
            "out for threads, or name 'loky', 'dask' or 'ray'"
        ) from error


def _train(
    net: tuple[int, int], start: State, x: NDArray, y: NDArray, options: dict, stop: Stop
) -> tuple[tuple[int, int], Record | None]:
    try:
        return net, descend(start, x, y, **options, stop=stop)
    except Stopped:  # nobody listens any more
        return net, None


def _start(runs: Runs, width: int, seed: int) -> State:
    hidden, out = layers(two_layer(runs.inputs, width, outputs=runs.outputs, std=runs.stds[width], seed=seed))
    return hidden.incoming.numpy(), out.weight.numpy()


def _name(net: tuple[int, int]) -> str:
    return f"width{net[0]}-seed{net[1]}"
