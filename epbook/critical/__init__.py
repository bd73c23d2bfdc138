"""Critical points: Hessian, inertia, and a finder that says what it found."""

from epbook.critical.collect import CriticalPoints, find_critical_points
from epbook.critical.find import CriticalPoint, find_critical
from epbook.critical.flat import null_directions
from epbook.critical.hessian import hessian
from epbook.critical.inertia import Inertia, inertia

__all__ = [
    "CriticalPoint",
    "CriticalPoints",
    "Inertia",
    "find_critical",
    "find_critical_points",
    "hessian",
    "inertia",
    "null_directions",
]
