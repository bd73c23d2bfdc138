"""All critical points that many starts reach, each counted once up to the symmetries of the network."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from epbook.activations import ActivationLike, activation_of, module_from
from epbook.critical.find import CriticalPoint, find_critical
from epbook.critical.problem import Problem
from epbook.given import layers, read
from epbook.losses import Loss, mse_loss
from epbook.networks import sequential
from epbook.progress import progress


@dataclass(frozen=True)
class CriticalPoints:
    """Distinct finite critical points by falling loss, how often each was reached, and all statuses."""

    points: tuple[CriticalPoint, ...]
    hits: tuple[int, ...]
    statuses: dict[str, int]

    def __iter__(self) -> Iterator[CriticalPoint]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)


def find_critical_points(
    width: int,
    x: Tensor,
    y: Tensor,
    *,
    activation: ActivationLike = nn.Tanh,
    starts: int = 200,
    seed: int = 0,
    loss: Loss = mse_loss,
    tolerance: float = 1e-13,
    store: str | Path | None = None,
) -> CriticalPoints:
    """Run `find_critical` from many random two-layer nets and keep what differs.

    f(x) = Σ_j a_j σ(w_j·x + b_j). Every other start first goes down the loss for a while, so that minima
    are met as well as saddles. Two isolated points are the same if a permutation of the neurons, and for
    odd σ a change of sign of (w_j, b_j, a_j), takes one to the other; two points on flat sets are the
    same if they have one output function and one inertia.

    width: neurons; x: (n, d), y: (n, d_out) or what `loss` takes. starts: from 0 on, drawn from `seed`
    and their own number only. store: a file that keeps each start as it ends; a run that was interrupted
    goes on from there. Returns `CriticalPoints`, the same for the same arguments.
    Raises ValueError where starts < 1 or the store belongs to other arguments, and as `find_critical`.
    Source: chapter section 1.2; the empirical diagram of EP21, figure 4.

    >>> import epbook as ep
    >>> x, y = ep.data.tanh_teacher()
    >>> found = find_critical_points(1, x, y, starts=12)
    >>> [round(point.loss, 6) for point in found]
    [5.14533, 0.109023]
    """
    if starts != int(starts) or starts < 1:
        raise ValueError(f"starts must be a whole number of at least 1, got {starts!r}")
    outputs = y.shape[1] if y.ndim == 2 else int(y.max()) + 1
    done = _Store(store, [width, repr(module_from(activation)), seed, tolerance, _print_of(x), _print_of(y)])
    found: list[CriticalPoint] = []
    statuses: Counter[str] = Counter()
    for number in progress(range(int(starts)), label=f"critical points, width {width}"):
        record = done.get(number)
        if record is None or record["status"] == "finite":
            net = random_start(width, x, y, outputs, activation=activation, seed=seed, number=number)
            if record is not None:  # its parameters are at the floor already: one look is enough
                nn.utils.vector_to_parameters(torch.tensor(record["parameters"]), net.parameters())
            elif number % 2:
                net = _descend(net, x, y, loss)
            point = find_critical(net, x, y, loss=loss, tolerance=tolerance)
            status, parameters = point.status, parameters_to_vector(point.model.parameters()).tolist()
            if record is None:
                done.put(number, {"status": status, "parameters": parameters if status == "finite" else None})
            if status == "finite":
                found.append(point)
        else:
            status = record["status"]
        statuses[status] += 1
    points, hits = distinct(found, x, activation_of(module_from(activation)).odd)
    return CriticalPoints(points, hits, dict(statuses))


def random_start(
    width: int,
    x: Tensor,
    y: Tensor,
    outputs: int,
    *,
    activation: ActivationLike,
    seed: int,
    number: int,
) -> nn.Sequential:
    """A random two-layer net whose neurons bend inside the data: each is zero before σ at one sample.

    w ~ N(0, g²)/std(x) with log g uniform on [log 0.3, log 10], b = −w·x_i for a random i, a ~ N(0, var y).
    """
    rng = np.random.default_rng([seed, width, number])
    data = x.double().numpy()
    gain = np.exp(rng.uniform(np.log(0.3), np.log(10), size=(width, 1)))
    spread = data.std(axis=0)
    W = rng.normal(size=(width, data.shape[1])) * gain / np.where(spread > 0, spread, 1.0)
    b = -(W * data[rng.integers(len(data), size=width)]).sum(axis=1)
    size = float(y.double().std(correction=0)) or 1.0
    A = size * rng.normal(size=(outputs, width))
    return sequential(
        [(torch.tensor(W), torch.tensor(b), module_from(activation)), (torch.tensor(A), None, None)]
    )


def _descend(net: nn.Sequential, x: Tensor, y: Tensor, loss: Loss) -> nn.Sequential:
    """Some steps of L-BFGS down the loss, far enough to be near a minimum or on a plateau."""
    problem = Problem(read(net, x, y, loss=loss))

    def fun(theta: NDArray) -> tuple[float, NDArray]:
        value, gradient, _ = problem.evaluator.evaluate(theta, hessian=False)
        return float(value), gradient

    return problem.network(
        minimize(fun, problem.start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    )


def distinct(
    points: list[CriticalPoint], x: Tensor, odd: bool
) -> tuple[tuple[CriticalPoint, ...], tuple[int, ...]]:
    """One of each class of points, by falling loss, and the size of each class."""
    kept: list[tuple[CriticalPoint, NDArray]] = []
    hits: list[int] = []
    for point in points:
        key = _key(point, x, odd)
        for index, (other, theirs) in enumerate(kept):
            if tuple(point.inertia) == tuple(other.inertia) and np.allclose(
                key, theirs, rtol=1e-6, atol=1e-7
            ):
                hits[index] += 1
                break
        else:
            kept.append((point, key))
            hits.append(1)
    order = sorted(range(len(kept)), key=lambda index: -kept[index][0].loss)
    return tuple(kept[index][0] for index in order), tuple(hits[index] for index in order)


def _key(point: CriticalPoint, x: Tensor, odd: bool) -> NDArray:
    """What two points share if they are the same: canonical parameters, or the output where flat."""
    if point.inertia.zero or not point.inertia.decided:
        with torch.no_grad():
            return point.model(x.double()).flatten().numpy()
    return canonical(point.model, odd=odd)


def canonical(net: nn.Sequential, *, odd: bool) -> NDArray:
    """(w, b, a) of each neuron of a two-layer net, signs made equal for odd σ, neurons sorted."""
    (W, b, _), (A, c, _) = layers(net)
    pieces = [W.numpy(), A.T.numpy()] if b is None else [W.numpy(), b[:, None].numpy(), A.T.numpy()]
    neurons = np.hstack(pieces)
    if odd:
        neurons = neurons * np.where(neurons[:, :1] < 0, -1.0, 1.0)
    # Sorted on rounded values, so that rounding does not swap two neurons that agree in some weight.
    order = np.lexsort(neurons.round(5).T[::-1])
    return np.concatenate([neurons[order].ravel(), [] if c is None else c.numpy()])


def _print_of(data: Tensor) -> int:
    return zlib.crc32(data.detach().double().contiguous().numpy().tobytes())


class _Store:
    """One JSON line per finished start, behind one that says what the starts were for."""

    def __init__(self, path: str | Path | None, header: list) -> None:
        self.path = None if path is None else Path(path)
        self.records: dict[int, dict] = {}
        if self.path is None:
            return
        text = self.path.read_text() if self.path.exists() else ""
        if text:
            first, *lines = text.splitlines()
            if json.loads(first) != header:
                raise ValueError(f"{self.path} holds the starts of other arguments: {first}")
            for line in lines:
                try:
                    record = json.loads(line)
                except json.JSONDecodeError:  # the run stopped while this line was written
                    continue
                self.records[record["number"]] = record
            if not text.endswith("\n"):
                self.path.write_text(text + "\n")
        else:
            self.path.write_text(json.dumps(header) + "\n")

    def get(self, number: int) -> dict | None:
        return self.records.get(number)

    def put(self, number: int, record: dict) -> None:
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps({"number": number, **record}) + "\n")
