"""Training: ensembles of two-layer nets at every step on record, one network by Adam, times of escape."""

from epbook.results import DivergedError, DivergenceWarning
from epbook.store import CacheWarning, DamagedCacheWarning
from epbook.training.compiled import SOURCES, compiled_once

with compiled_once(*SOURCES):
    from epbook.training import fused, relu_line  # noqa: F401  their kernels are registered here
    from epbook.training.adam import AdamRun, train_adam
    from epbook.training.directions import Direction, escape_directions
    from epbook.training.escape import Escape, escape_time
    from epbook.training.growth import Rest, growth_tree
    from epbook.training.lines import Line, spectral_lines
    from epbook.training.plateau import Plateau
    from epbook.training.record import Record
    from epbook.training.runs import Runs
    from epbook.training.sweep import train_many

__all__ = [
    "AdamRun",
    "CacheWarning",
    "DamagedCacheWarning",
    "Direction",
    "DivergedError",
    "DivergenceWarning",
    "Escape",
    "Line",
    "Plateau",
    "Record",
    "Rest",
    "Runs",
    "escape_directions",
    "escape_time",
    "growth_tree",
    "spectral_lines",
    "train_adam",
    "train_many",
]
