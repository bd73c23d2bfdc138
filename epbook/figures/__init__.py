"""Figures of the chapters, a module each: plain functions from computed numbers to a matplotlib Figure."""

from epbook.figures import critical, embedding, intro, journey, reduction, spectrum, training

__all__ = ["critical", "embedding", "intro", "journey", "reduction", "spectrum", "training"]
