"""Training of whole ensembles of two-layer nets, at every step on record."""

from epbook.training.cache import DamagedCacheWarning
from epbook.training.runs import DivergedError, Runs
from epbook.training.sweep import DivergenceWarning, train_many

__all__ = ["DamagedCacheWarning", "DivergedError", "DivergenceWarning", "Runs", "train_many"]
