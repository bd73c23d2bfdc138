"""Critical points: Hessian, inertia, and a finder that says what it found."""

from epbook.critical.collect import CriticalPoints, find_critical_points
from epbook.critical.find import CriticalPoint, find_critical
from epbook.critical.flat import null_directions
from epbook.critical.flow import Flow, gradient_flow
from epbook.critical.gradient import gradient_l1
from epbook.critical.hessian import hessian
from epbook.critical.inertia import inertia
from epbook.critical.relu_minima import Ramp, ReluMinimum, relu_minima
from epbook.critical.signs import Inertia
from epbook.critical.targets import critical_targets
from epbook.critical.volume import Volume, flat_volume

__all__ = [
    "CriticalPoint",
    "CriticalPoints",
    "Flow",
    "Inertia",
    "Ramp",
    "ReluMinimum",
    "Volume",
    "critical_targets",
    "find_critical",
    "find_critical_points",
    "flat_volume",
    "gradient_flow",
    "gradient_l1",
    "hessian",
    "inertia",
    "null_directions",
    "relu_minima",
]
