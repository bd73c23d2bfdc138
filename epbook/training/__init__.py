"""Training: ensembles of two-layer nets at every step on record, one network by Adam, times of escape."""

from pathlib import Path

from epbook.training.compiled import compiled_once

with compiled_once(Path(__file__).parent):
    from epbook.training import fused, relu_line  # noqa: F401  their kernels are registered here
    from epbook.training.adam import AdamRun, Plateau, train_adam
    from epbook.training.cache import DamagedCacheWarning
    from epbook.training.escape import escape_time
    from epbook.training.runs import DivergedError, Runs
    from epbook.training.sweep import DivergenceWarning, train_many

__all__ = [
    "AdamRun",
    "DamagedCacheWarning",
    "DivergedError",
    "DivergenceWarning",
    "Plateau",
    "Runs",
    "escape_time",
    "train_adam",
    "train_many",
]
