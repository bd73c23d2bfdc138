"""Is this a critical point, or the way to infinity? The evidence for each status of the finder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from epbook.activations import activation_of
from epbook.critical.flat import explained
from epbook.critical.hessian import refuse_kinks
from epbook.critical.inertia import Inertia, from_eigenvalues, inertia
from epbook.critical.jets import jet_of
from epbook.critical.problem import Problem
from epbook.critical.search import Point, Search

# σ' below this part of its largest possible value is no slope: float64 loses its square beside 1.
FLAT = 1e-8
# A Newton step above this part of ‖θ‖ says that ∇R = 0 is not solved near θ.
NEWTON = 1e-6


@dataclass(frozen=True)
class Verdict:
    """A status of `CriticalPoint`, its reason, and the inertia where the point is finite."""

    status: str
    reason: str
    inertia: Inertia | None = None


def judge(
    problem: Problem,
    point: Point,
    model: nn.Sequential,
    search: Search,
    gradient_l1: float,
    *,
    newton: float,
    tolerance: float,
) -> Verdict:
    """Name what the search ended in: finite, diverging, saturated or not converged.

    Finite needs all of: ‖∇R‖₁ at its floor (ten times what one unit in the last place does) and below
    `tolerance`; a last Newton step small against ‖θ‖; and along every direction without curvature, the
    same gradient on the way towards smaller parameters. The last separates sets of critical points, which
    stay critical, from limits at infinity, where the gradient comes back.
    """
    if not point.usable:
        return Verdict("diverging", "the loss or its derivatives overflow")
    try:
        refuse_kinks(problem.found_of(model), problem.x, 1e-9)
    except ValueError as kink:
        return Verdict("not converged", f"the search ended on a kink, where the loss has no gradient: {kink}")
    limit = min(tolerance, 10 * point.floor)
    solved = gradient_l1 <= limit and newton <= NEWTON
    floor = f"‖∇R‖₁ = {gradient_l1:.1e}, at its floor"
    clear = np.abs(point.eigenvalues) >= 1e3 * point.noise
    if solved and clear.all():
        return _finite(point, f"{floor}; the Hessian is invertible")
    saturated = saturated_neuron(problem, model)
    if saturated:
        return Verdict("saturated", saturated)
    if solved:
        known = explained(problem.found_of(model), point.hessian, 1e3 * point.noise)
        count = int((~clear).sum()) - known.shape[1]
        if count <= 0:
            return _finite(point, f"{floor}; symmetries explain every flat direction", known)
        way = walk_inward(problem, point, known, count)
        if way.critical:
            return _finite(point, f"{floor}; {way.reason}", known)
        return Verdict("diverging", way.reason)
    # The search came to rest, or it is still on its way.
    if search.growth > 0.02 and search.gain > 0.1:
        return Verdict(
            "diverging",
            f"a channel to infinity: over the last half of the search ‖θ‖ grew by {search.growth:.1%} to "
            f"{search.lengths[-1]:.3g} and ‖∇R‖ fell by {search.gain:.0%} (‖∇R‖₁ = {gradient_l1:.1e})",
        )
    if np.abs(point.theta).max() > 1e4:
        return Verdict("diverging", f"a parameter has grown to {np.abs(point.theta).max():.3g}")
    if gradient_l1 > limit:
        return Verdict("not converged", f"‖∇R‖₁ = {gradient_l1:.1e} stays above {limit:.1e}")
    return Verdict("not converged", f"the last Newton step is {newton:.1e} ‖θ‖: ∇R = 0 is not solved here")


def _finite(point: Point, reason: str, known: NDArray | None = None) -> Verdict:
    if known is None or known.shape[1] == 0:
        return Verdict("finite", reason, from_eigenvalues(point.eigenvalues, tolerance=point.noise))
    return Verdict("finite", reason, inertia(point.hessian, null=known))


def saturated_neuron(problem: Problem, model: nn.Sequential) -> str:
    """Which neuron the data do not pin because σ' vanishes on too many samples; empty if none.

    (w, b) of a neuron acts on the output through σ'(z_i) x̃_i. Where the samples with σ' ≠ 0 span fewer
    dimensions than all samples do, (w, b) can grow without end and change the loss by less and less.
    """
    for depth, (inputs, z, activation) in enumerate(problem.hidden(model)):
        slope = np.abs(jet_of(activation)(z)[1])
        if activation_of(activation).kink is not None:
            continue  # a ReLU neuron that is off is exactly flat at finite parameters
        bias = problem.found[depth].linear.bias is not None
        rows = np.hstack([inputs, np.ones((len(inputs), 1))]) if bias else inputs
        full = np.linalg.matrix_rank(rows)
        for neuron in range(z.shape[1]):
            steep = slope[:, neuron] > FLAT
            if np.linalg.matrix_rank(rows[steep]) < full:
                return (
                    f"neuron {neuron} of layer {depth} is flat on {int((~steep).sum())} of {len(steep)} "
                    f"samples (|z| up to {np.abs(z[:, neuron]).max():.3g}): its weights are free to grow"
                )
    return ""


@dataclass(frozen=True)
class Way:
    critical: bool
    reason: str


def walk_inward(problem: Problem, point: Point, known: NDArray, count: int) -> Way:
    """Follow the `count` flat directions that nothing explains towards smaller ‖θ‖: does ∇R stay zero?

    Each step moves by a tenth of ‖θ‖ against the flat part of θ and solves the curved part again.
    """
    here, length = point, float(np.linalg.norm(point.theta))
    for moved in range(40):
        basis = _flattest(here, known, count)
        inward = -basis @ (basis.T @ here.theta)
        size = float(np.linalg.norm(inward))
        if size <= 1e-3 * length:
            return Way(True, f"{count} flat direction(s), along which it stays critical ({moved} steps)")
        if moved == 0 and _bends(problem, here, inward / size, length):
            return Way(True, f"{count} flat direction(s), with curvature of higher order")
        there = _solve_rest(problem, here.theta + inward * min(1, 0.1 * length / size), known, count)
        if there is None or there.norm1 > max(100 * there.floor, 1e-13):
            left = "inf" if there is None else f"{there.norm1:.1e}"
            return Way(
                False,
                f"{count} direction(s) without curvature lead to infinity: {moved + 1} step(s) back towards "
                f"smaller weights bring ‖∇R‖₁ = {left}",
            )
        here = there
    return Way(True, f"{count} flat direction(s), along which it stays critical (40 steps)")


def _flattest(here: Point, known: NDArray, count: int) -> NDArray:
    """Orthonormal columns: the `count` flattest directions orthogonal to the known ones."""
    flat = here.vectors[:, np.argsort(np.abs(here.eigenvalues))[: count + known.shape[1]]]
    rest = flat - known @ (known.T @ flat)
    return np.linalg.svd(rest, full_matrices=False)[0][:, :count]


def _bends(problem: Problem, here: Point, direction: NDArray, length: float) -> bool:
    """Whether a thousandth of ‖θ‖ to either side brings the gradient back: a zero of higher order."""
    for side in (-1e-3, 1e-3):
        _, gradient, _ = problem.evaluator.evaluate(here.theta + side * length * direction, hessian=False)
        curved = here.vectors[:, np.abs(here.eigenvalues) >= 1e3 * here.noise]
        rest = gradient - curved @ (curved.T @ gradient)
        if np.abs(rest).sum() < 1e4 * max(here.floor, 1e-16):
            return False
    return True


def _solve_rest(problem: Problem, theta: NDArray, known: NDArray, count: int) -> Point | None:
    """Newton in all but the known and the `count` flattest other directions."""
    here = Point(problem.evaluator, theta)
    for _ in range(8):
        if not here.usable:
            return None
        if here.norm1 <= 10 * here.floor:
            break
        curved = np.argsort(np.abs(here.eigenvalues))[count + known.shape[1] :]
        basis = here.vectors[:, curved]
        step = -basis @ ((basis.T @ here.gradient) / here.eigenvalues[curved])
        there = Point(problem.evaluator, here.theta + step)
        if not there.usable or there.norm1 >= here.norm1:
            break
        here = there
    return here
