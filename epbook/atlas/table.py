"""The whole atlas as rows of plain numbers, each station with its proof: what the page offers as a file."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torch import Tensor

from epbook.atlas.certify import Certificate, certify
from epbook.atlas.infinity import release
from epbook.atlas.station import Station
from epbook.given import layers
from epbook.results import DivergedError


def rows(stations: Iterable[Station], x: Tensor, y: Tensor) -> list[dict[str, object]]:
    """One row for each station: kind, loss, inertia, hits, proof, and all parameters to the last digit.

    Keys: station, tanh, linear (neurons), log10 loss, inertia, met (hits), release (dR/dτ at infinity, None
    else), radius (of the box that holds it, None where it is not proved), loss_low, loss_high (proved
    bounds, else None), w, b, a (lists, w one for each neuron and input), slope (s, at infinity). Not
    proved are stations that are not isolated, or so flat that no box of `certify` holds them.

    x: (n, d), y: (n, 1). Raises ValueError and ImportError as `certify`. Source: this book, page on
    the atlas.

    >>> import pytest, epbook as ep; _ = pytest.importorskip("flint")
    >>> x, y = ep.data.relu_teacher()
    >>> table = rows(ep.atlas.survey(x, y, starts=[10], at_infinity=[]).stations, x, y)
    >>> [(row["station"], row["inertia"], row["radius"] < 1e-9) for row in table]
    [('0', '(0, 0, 0)', True), ('1a', '(0, 0, 3)', True), ('0∞', '(0, 0, 2)', True)]
    """
    found = []
    for station in stations:
        proof = _proof(station, x, y)
        first, last = layers(station.net) if station.net is not None else (None, None)
        found.append(
            {
                "station": station.name,
                "tanh": station.width,
                "linear": int(station.linear),
                "log10 loss": math.log10(station.loss),
                "inertia": str(tuple(proof.signs)) if proof else "not proved",
                "met": station.hits,
                "release": release(station, x, y) if station.linear else None,
                "radius": proof.radius if proof else None,
                "loss_low": proof.losses[0] if proof else None,
                "loss_high": proof.losses[1] if proof else None,
                "w": first.weight.tolist() if first else [],
                "b": first.bias.tolist() if first and first.bias is not None else [],
                "a": last.weight[0].tolist() if last else [],
                "slope": station.slope[0].tolist() if station.slope is not None else [],
            }
        )
    return found


def _proof(station: Station, x: Tensor, y: Tensor) -> Certificate | None:
    if station.inertia is None:
        return None
    try:
        return certify(station, x, y)
    except DivergedError:
        return None
