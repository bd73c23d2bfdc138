"""The atlas of a landscape: its critical points, finite and at infinity, and what joins them."""

from epbook.atlas.infinity import beyond_linear, linear_part, release
from epbook.atlas.station import Station
from epbook.atlas.survey import Atlas, same, smallest, survey

__all__ = [
    "Atlas",
    "Station",
    "beyond_linear",
    "linear_part",
    "release",
    "same",
    "smallest",
    "survey",
]
