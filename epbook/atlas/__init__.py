"""The atlas of a landscape: its critical points, finite and at infinity, and what joins them."""

from epbook.atlas.certify import Certificate, certify
from epbook.atlas.dwelling import Visit, explained, visits
from epbook.atlas.edges import Edge, edges, in_width
from epbook.atlas.infinity import beyond_linear, linear_part, release
from epbook.atlas.leaving import Leaving, leaving
from epbook.atlas.plateau import FirstPlateau, amplitudes, first_plateau, wait
from epbook.atlas.station import Station
from epbook.atlas.survey import Atlas, same, smallest, survey
from epbook.atlas.table import rows

__all__ = [
    "Atlas",
    "Certificate",
    "Edge",
    "FirstPlateau",
    "Leaving",
    "Station",
    "Visit",
    "amplitudes",
    "beyond_linear",
    "certify",
    "edges",
    "explained",
    "first_plateau",
    "in_width",
    "leaving",
    "linear_part",
    "release",
    "rows",
    "same",
    "smallest",
    "survey",
    "visits",
    "wait",
]
