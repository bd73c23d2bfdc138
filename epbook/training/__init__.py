"""Training of whole ensembles of two-layer nets, at every step on record."""

from pathlib import Path

from epbook.training.compiled import compiled_once

with compiled_once(Path(__file__).parent):
    from epbook.training import fused, relu_line  # noqa: F401  their kernels are registered here
    from epbook.training.cache import DamagedCacheWarning
    from epbook.training.runs import DivergedError, Runs
    from epbook.training.sweep import DivergenceWarning, train_many

__all__ = ["DamagedCacheWarning", "DivergedError", "DivergenceWarning", "Runs", "train_many"]
