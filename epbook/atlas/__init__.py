"""The atlas of a landscape: its critical points, finite and at infinity, and what joins them."""

from epbook.atlas.station import Station

__all__ = ["Station"]
