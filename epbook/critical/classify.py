"""Is this a critical point, or the way to infinity? The evidence for each status of the finder."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epbook.activations import activation_of
from epbook.critical.flat import SAME, explained
from epbook.critical.inertia import Inertia, from_eigenvalues, inertia
from epbook.critical.jets import jet_of
from epbook.critical.problem import Problem
from epbook.critical.search import Point, Search, levenberg_marquardt, polish
from epbook.given import refuse_kinks
from epbook.networks import Layer

# σ' below this part of its largest possible value is no slope: float64 loses its square beside 1.
FLAT = 1e-8
# Kantorovich's condition for Newton's method: ‖H⁻¹‖ · ‖change of H over the step‖ below a half, here halved.
KANTOROVICH = 0.25


@dataclass(frozen=True)
class Verdict:
    """A status of `CriticalPoint`, its reason, and the inertia where the point is finite."""

    status: str
    reason: str
    inertia: Inertia | None = None


def judge(
    problem: Problem,
    point: Point,
    search: Search,
    gradient_l1: float,
    *,
    step: NDArray | None,
    tolerance: float,
) -> Verdict:
    """Name what the search ended in: finite, diverging, saturated or not converged.

    Finite needs all of: ‖∇R‖₁ at its floor (ten times what one unit in the last place does) and below
    `tolerance`; a Newton step from here that changes the Hessian by less than a quarter of its smallest
    curvature (Kantorovich); and along every direction without curvature, the same gradient on the way
    towards smaller parameters. The last separates sets of critical points, which stay critical, from
    limits at infinity, where the gradient comes back.
    """
    if not point.usable:
        return Verdict("diverging", "the loss or its derivatives overflow")
    try:
        refuse_kinks(problem.layers(point.theta), problem.x)
    except ValueError as kink:
        return Verdict("not converged", f"the search ended on a kink, where the loss has no gradient: {kink}")
    limit = min(tolerance, 10 * point.floor)
    kantorovich = _kantorovich(problem, point, step)
    solved = gradient_l1 <= limit and kantorovich <= KANTOROVICH
    floor = f"‖∇R‖₁ = {gradient_l1:.1e}, at its floor"
    clear = np.abs(point.eigenvalues) >= 1e3 * point.noise
    if solved and clear.all():
        return _finite(point, f"{floor}; the Hessian is invertible")
    saturated = saturated_neuron(problem, point.theta)
    if saturated:
        return Verdict("saturated", saturated)
    if solved:
        known = explained(problem.layers(point.theta), point.hessian, 1e3 * point.noise)
        count = int((~clear).sum()) - known.shape[1]
        if count <= 0:
            return _finite(point, f"{floor}; symmetries explain every flat direction", known)
        way = walk_inward(problem, point, known, count)
        if way.critical:
            return _finite(point, f"{floor}; {way.reason}", known)
        return Verdict("diverging", way.reason)
    outward = search.lengths[-1] / max(search.lengths[0], 1e-300)
    if outward > 1.5 and search.gradients[-1] < 0.5 * search.gradients[0]:
        return Verdict(
            "diverging",
            f"a channel to infinity: along the softest direction ‖θ‖ grows from {search.lengths[0]:.3g} "
            f"to {search.lengths[-1]:.3g} and ‖∇R‖ falls from {search.gradients[0]:.1e} to "
            f"{search.gradients[-1]:.1e}",
        )
    if np.abs(point.theta).max() > 1e4:
        return Verdict("diverging", f"a parameter has grown to {np.abs(point.theta).max():.3g}")
    merging = merging_neurons(problem.layers(point.theta))
    if merging:
        return Verdict("diverging", f"{merging} (‖∇R‖₁ = {gradient_l1:.1e}): a channel to infinity")
    if gradient_l1 > limit:
        return Verdict("not converged", f"‖∇R‖₁ = {gradient_l1:.1e} stays above {limit:.1e}")
    return Verdict(
        "not converged",
        f"‖∇R‖₁ = {gradient_l1:.1e}, but a Newton step changes the Hessian by {kantorovich:.1e} of its "
        "smallest curvature: too close to a degenerate point to tell",
    )


def _kantorovich(problem: Problem, point: Point, step: NDArray) -> float:
    """‖H(θ + step) − H(θ)‖ over the smallest resolved |λ|: small where Newton's method converges."""
    curvature = np.abs(point.eigenvalues)
    smallest = curvature[curvature >= 1e3 * point.noise].min(initial=np.inf)
    if not step.any():
        return 0.0
    change = problem.evaluator.evaluate(point.theta + step)[2] - point.hessian
    return float(np.linalg.norm(change)) / smallest


def _finite(point: Point, reason: str, known: NDArray | None = None) -> Verdict:
    if known is None or known.shape[1] == 0:
        return Verdict("finite", reason, from_eigenvalues(point.eigenvalues, tolerance=point.noise))
    return Verdict("finite", reason, inertia(point.hessian, null=known))


def saturated_neuron(problem: Problem, theta: NDArray) -> str:
    """Which neuron the data do not pin because σ' vanishes on too many samples; empty if none.

    (w, b) of a neuron acts on the output through σ'(z_i) x̃_i. Where the samples with σ' ≠ 0 span fewer
    dimensions than all samples do, (w, b) can grow without end and change the loss by less and less.
    """
    for depth, (inputs, z, activation) in enumerate(problem.hidden(theta)):
        slope = np.abs(jet_of(activation)(z)[1])
        if (slope > FLAT).all():
            continue
        if activation_of(activation).kinks:
            continue  # a ReLU neuron that is off is exactly flat at finite parameters
        bias = problem.found[depth].bias is not None
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


def merging_neurons(found: list[Layer]) -> str:
    """Which two neurons become one while their output weights cancel, the mark of a channel to infinity."""
    for depth, (layer, after) in enumerate(itertools.pairwise(found)):
        full, A = layer.incoming.numpy(), after.weight.numpy()
        odd = layer.activation is not None and activation_of(layer.activation).odd
        for j, k in itertools.combinations(range(len(full)), 2):
            for sign in (1.0, -1.0) if odd else (1.0,):
                apart = np.linalg.norm(full[j] - sign * full[k]) / max(np.linalg.norm(full[j]), 1e-300)
                sizes = np.linalg.norm(A[:, j]) + np.linalg.norm(A[:, k])
                left = np.linalg.norm(A[:, j] + sign * A[:, k]) / max(sizes, 1e-300)
                if SAME < apart < 0.1 and left < 0.1:
                    return (
                        f"neurons {j} and {k} of layer {depth} merge (to {apart:.1e} of their weights) "
                        f"while their output weights, up to {np.abs(A[:, [j, k]]).max():.3g}, cancel"
                    )
    return ""


@dataclass(frozen=True)
class Way:
    critical: bool
    reason: str


def walk_inward(problem: Problem, point: Point, known: NDArray, count: int) -> Way:
    """Follow the `count` flat directions that nothing explains towards smaller ‖θ‖: is ∇R = 0 found again?

    Each step moves by a tenth of ‖θ‖ against the flat part of θ and solves ∇R = 0 anew. On a set of
    critical points the solution is near, at smaller ‖θ‖; on the way to infinity it is back outside.
    """
    here, length = point, float(np.linalg.norm(point.theta))
    for moved in range(40):
        basis = _flattest(here, known, count)
        inward = -basis @ (basis.T @ here.theta)
        size = float(np.linalg.norm(inward))
        if size <= 1e-3 * length:
            return Way(True, f"{count} flat direction(s), along which it stays critical ({moved} steps)")
        start = here.theta + inward * min(1, 0.1 * length / size)
        there = levenberg_marquardt(problem.evaluator, start, steps=60).end
        if there.usable:
            there, _ = polish(problem.evaluator, there, extended=problem.extended)
        planned = np.linalg.norm(here.theta) - np.linalg.norm(start)
        solved = there.usable and there.norm1 <= 100 * max(there.floor, point.floor)
        if not solved or np.linalg.norm(here.theta) - np.linalg.norm(there.theta) < 0.2 * planned:
            if _bends(problem, here, inward / size, length):
                return Way(True, f"{count} flat direction(s), with curvature of higher order")
            return Way(
                False,
                f"{count} direction(s) without curvature lead to infinity: no critical point is found "
                f"{moved + 1} step(s) back towards smaller weights",
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
