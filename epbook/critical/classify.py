"""Is this a critical point, or the way to infinity? The evidence for each status of the finder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epbook.critical.flat import explained
from epbook.critical.inertia import from_eigenvalues, inertia
from epbook.critical.infinity import merging_neurons, saturated_neuron
from epbook.critical.newton import CONTRACTS, contraction, fits_nearby
from epbook.critical.problem import Problem
from epbook.critical.search import Point, Search
from epbook.critical.signs import Inertia
from epbook.given import refuse_kinks

# A parameter beyond this, in units of the data, has grown without end.
HUGE = 1e4


@dataclass(frozen=True)
class Verdict:
    """A status of `CriticalPoint`, its reason, and the inertia where the point is finite."""

    status: str
    reason: str
    inertia: Inertia | None = None


def judge(problem: Problem, point: Point, search: Search, size: float, *, limit: float) -> Verdict:
    """Name what the search ended in: finite, diverging, saturated or not converged.

    Finite needs both: ‖∇R‖₁ (`size`, by PyTorch) within `limit`, and a proof as good as float64 allows that
    there is a critical point here: Newton's method contracts in all directions but those along which a
    symmetry keeps ∇R at zero (`contraction`), or the fit is perfect on a whole set (`fits_nearby`).
    Everything else is no critical point that could be vouched for. It is diverging or saturated where it
    shows how it goes on to infinity, else not converged.
    """
    if not point.usable:
        return Verdict("diverging", "the loss or its derivatives overflow")
    try:
        refuse_kinks(problem.layers(point.theta), problem.x)
    except ValueError as kink:
        return Verdict("not converged", f"the search ended on a kink, where the loss has no gradient: {kink}")
    if size > limit:
        unsolved = f"‖∇R‖₁ = {size:.1e} stays above {limit:.1e}"
        return _on_the_way(problem, point, search) or Verdict("not converged", unsolved)
    at_floor = f"‖∇R‖₁ = {size:.1e}, at its floor"
    known = np.zeros((len(point.theta), 0))
    change = contraction(problem, point, known)
    if change <= CONTRACTS:
        count = from_eigenvalues(point.eigenvalues, tolerance=point.noise)
        return Verdict("finite", f"{at_floor}; the Hessian is invertible", count)
    known = explained(problem, point)
    if known.shape[1]:
        change = contraction(problem, point, known)
        if change <= CONTRACTS:
            return _flat(point, known, f"{at_floor}; symmetries explain every flat direction")
    perfect = fits_nearby(problem, point)
    if perfect is not None:
        return _flat(point, perfect, f"{at_floor}; the fit is perfect, and stays so on a smooth set")
    what = (
        f"over Newton's step the curvature changes by {change:.1e} of itself"
        if np.isfinite(change)
        else "some directions have no curvature, and no symmetry explains it"
    )
    doubt = f"{at_floor}, but {what}: too close to a degenerate point, or to the way to infinity, to tell"
    return _on_the_way(problem, point, None) or Verdict("not converged", doubt)


def _flat(point: Point, known: NDArray, reason: str) -> Verdict:
    """Finite, with the known flat directions counted as zero."""
    return Verdict("finite", reason, inertia(point.hessian, null=known))


def _on_the_way(problem: Problem, point: Point, search: Search | None) -> Verdict | None:
    """How the point goes on to infinity, if it shows. search: the way there, where ∇R is not yet zero."""
    saturated = saturated_neuron(problem, point.theta)
    if saturated:
        return Verdict("saturated", saturated)
    merging = merging_neurons(problem.layers(point.theta))
    if merging:
        return Verdict("diverging", f"{merging}: a channel to infinity")
    moving = point.norm1 > point.rounding.sum()  # a gradient that is rounding leads nowhere
    if search and moving and search.leads_out:
        return Verdict(
            "diverging",
            f"a channel to infinity: along the softest direction ‖θ‖ grows from {search.lengths[0]:.3g} "
            f"to {search.lengths[-1]:.3g} and ‖∇R‖ falls from {search.gradients[0]:.1e} to "
            f"{search.gradients[-1]:.1e}",
        )
    if np.abs(point.theta).max() > HUGE:
        return Verdict(
            "diverging", f"a parameter has grown to {np.abs(point.theta).max():.3g} units of the data"
        )
    return None
