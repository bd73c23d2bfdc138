"""All critical points that many starts reach, each counted once up to the symmetries of the network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor, nn

from epbook.activations import ActivationLike, activation_of, module_from
from epbook.checks import table, whole
from epbook.critical.find import CriticalPoint, find_critical
from epbook.critical.problem import Problem
from epbook.given import read, refuse_kinks
from epbook.losses import Loss, mse_loss
from epbook.networks import Layer, forward, sequential
from epbook.progress import progress
from epbook.results import Result


@dataclass(frozen=True, eq=False)
class CriticalPoints(Result):
    """Distinct finite critical points by falling loss, how often each was reached, and all statuses.

    Source: textbook section 1.2; the empirical diagram of EP21, figure 4.
    """

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
    tolerance: float | None = None,
) -> CriticalPoints:
    """Run `find_critical` from many random two-layer nets and keep what differs.

    f(x) = Σ_j a_j σ(w_j·x + b_j). Every other start first goes down the loss for a while, so that minima
    are met as well as saddles. Two isolated points are the same if a permutation of the neurons, and for
    odd σ a change of sign of (w_j, b_j, a_j), takes one to the other; two points on flat sets are the
    same if they have one output function and one inertia.

    width: neurons; x: (n, d), y: (n, d_out) or what `loss` takes. starts: from 0 on, drawn from `seed`
    and their own number only. Returns `CriticalPoints`, the same for the same arguments.
    Raises ValueError where width or starts is below 1, and as `find_critical`. For ReLU and its like nearly
    all searches end on a kink: `relu_minima` lists their minima without a search.
    Source: textbook section 1.2; the empirical diagram of EP21, figure 4.

    >>> import epbook as ep
    >>> x, y = ep.data.tanh_teacher()
    >>> found = find_critical_points(1, x, y, starts=12)
    >>> [round(point.loss, 6) for point in found]
    [5.14533, 0.109023]
    """
    width, starts, seed = whole(width, "width", 1), whole(starts, "starts", 1), whole(seed, "seed", 0)
    sigma = module_from(activation)
    found: list[CriticalPoint] = []
    statuses: Counter[str] = Counter()
    for number in progress(range(starts), label=f"critical points, width {width}"):
        net = random_start(width, x, y, activation=sigma, seed=seed, number=number)
        if number % 2:
            net = _descend(net, x, y, loss)
        point = find_critical(net, x, y, loss=loss, tolerance=tolerance)
        statuses[point.status] += 1
        if point.status == "finite":
            found.append(point)
    points, hits = distinct(found, x, y, loss=loss, odd=activation_of(sigma).odd)
    return CriticalPoints(points, hits, dict(statuses))


def random_start(
    width: int, x: Tensor, y: Tensor, *, activation: ActivationLike, seed: int, number: int
) -> nn.Sequential:
    """A random two-layer net whose neurons bend inside the data: each is zero before σ at one sample.

    w ~ N(0, g²)/std(x) with log g uniform on [log 0.3, log 10], b = −w·x_i for a random i, a ~ N(0, var y).
    Where σ has a kink, at which there is no Hessian, x_i is moved by N(0, 0.3² var x).
    y: (n, d_out), or (n,) class labels. Raises ValueError where x or y is no such table.
    Source: textbook section 1.2.

    >>> x, y = torch.zeros(5, 2), torch.tensor([0, 1, 2, 1, 0])
    >>> random_start(3, x, y, activation="tanh", seed=0, number=0)[2].weight.shape
    torch.Size([3, 3])
    """
    data, targets = table(x, "x"), torch.as_tensor(y).double()
    if targets.ndim == 1 and torch.as_tensor(y).is_floating_point():
        raise ValueError(
            f"y must be of shape ({len(data)}, outputs), got {tuple(targets.shape)}: use y[:, None]"
        )
    outputs = targets.shape[1] if targets.ndim == 2 else int(targets.max()) + 1
    rng = np.random.default_rng([seed, width, number])
    gain = np.exp(rng.uniform(np.log(0.3), np.log(10), size=(width, 1)))
    spread = data.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    W = rng.normal(size=(width, data.shape[1])) * gain / spread
    centres = data[rng.integers(len(data), size=width)]
    A = (float(targets.std(correction=0)) or 1.0) * rng.normal(size=(outputs, width))
    sigma = module_from(activation)
    if activation_of(sigma).kinks:
        centres = centres + 0.3 * spread * rng.normal(size=centres.shape)
    b = -(W * centres).sum(axis=1)
    return sequential([(torch.tensor(W), torch.tensor(b), sigma), (torch.tensor(A), None, None)])


def descent_end(problem: Problem, **options: float) -> NDArray:
    """θ after L-BFGS down the loss from the start of a problem, in its units.

    options: of SciPy's L-BFGS-B, such as maxiter. Raises nothing of its own. Source: Liu and Nocedal 1989.

    >>> from epbook.networks import two_layer
    >>> x = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    >>> problem = Problem(read(two_layer(1, 1, activation="tanh", std=1.0), x, x))
    >>> ends = [problem.start, descent_end(problem, maxiter=50)]
    >>> before, after = [float(problem.evaluator.evaluate(end, hessian=False)[0]) for end in ends]
    >>> after < before
    True
    """

    def risk(theta: NDArray) -> tuple[float, NDArray]:
        value, gradient, _ = problem.evaluator.evaluate(theta, hessian=False)
        return float(value), gradient

    end: NDArray = minimize(risk, problem.start, jac=True, method="L-BFGS-B", options=options).x
    return end


def _descend(net: nn.Sequential, x: Tensor, y: Tensor, loss: Loss) -> nn.Sequential:
    """Some steps of L-BFGS down the loss, to near a minimum or a plateau; never onto a kink."""
    problem = Problem(read(net, x, y, loss=loss))
    end = descent_end(problem, maxiter=300)
    try:
        refuse_kinks(problem.layers(end), problem.x)
    except ValueError:
        return net
    return problem.network(end)


def distinct(
    points: list[CriticalPoint], x: Tensor, y: Tensor, *, loss: Loss, odd: bool
) -> tuple[tuple[CriticalPoint, ...], tuple[int, ...]]:
    """One of each class of points, by falling loss, and how many each has; compared in units of the data."""
    kept: list[tuple[CriticalPoint, NDArray]] = []
    hits: list[int] = []
    for point in points:
        key = _key(point, Problem(read(point.model, x, y, loss=loss)), odd)
        for index, (other, theirs) in enumerate(kept):
            if point.inertia == other.inertia and np.allclose(key, theirs, rtol=1e-6, atol=1e-7):
                hits[index] += 1
                break
        else:
            kept.append((point, key))
            hits.append(1)
    order = sorted(range(len(kept)), key=lambda index: -kept[index][0].loss)
    return tuple(kept[index][0] for index in order), tuple(hits[index] for index in order)


def _key(point: CriticalPoint, problem: Problem, odd: bool) -> NDArray:
    """What two points share if they are the same: canonical parameters, or the output where flat."""
    if point.inertia.zero or not point.inertia.decided:
        return forward(problem.found, problem.x).flatten().numpy()
    return canonical(problem.found, odd=odd)


def canonical(found: list[Layer], *, odd: bool) -> NDArray:
    """(w, b, a) of each neuron of a two-layer net, signs made equal for odd σ, neurons sorted."""
    first, (A, c, _) = found
    neurons = np.hstack([first.incoming.numpy(), A.T.numpy()])
    if odd:
        neurons = neurons * np.where(neurons[:, :1] < 0, -1.0, 1.0)
    # Sorted on rounded values, so that rounding does not swap two neurons that agree in some weight.
    order = np.lexsort(neurons.round(5).T[::-1])
    return np.concatenate([neurons[order].ravel(), [] if c is None else c.numpy()])
