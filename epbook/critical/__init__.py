"""Critical points: Hessian, inertia, and a finder that says what it found."""

from epbook.critical.hessian import hessian
from epbook.critical.inertia import Inertia, inertia

__all__ = ["Inertia", "hessian", "inertia"]
