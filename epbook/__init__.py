"""The embedding principle of neural-network loss landscapes, as code: the helper package of the book.

The names that the pages use most stand here; the rest sits in its room: `epbook.training`, `epbook.critical`,
`epbook.embedding`, `epbook.reduction`, `epbook.page`. What draws is loaded when it is first used, so that the
numerics alone need neither matplotlib nor widgets. `epbook.figures` holds the pages' own pictures, which
change with the pages: it is there, as `ep.figures`, but is no part of the interface.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from epbook import (
    activations,
    atlas,
    critical,
    data,
    embedding,
    growing,
    losses,
    networks,
    neurons,
    reduction,
    training,
    units,
)
from epbook.critical import find_critical, gradient_flow, gradient_l1, hessian, inertia
from epbook.embedding import add_null, embed, plan, split, split_inertia, split_law
from epbook.given import layers
from epbook.growing import grow
from epbook.networks import sequential, two_layer
from epbook.neurons import effective_neurons, features
from epbook.reduction import reduce
from epbook.training import train_many

if TYPE_CHECKING:
    from epbook import figures as figures
    from epbook import lab, page
    from epbook.lab import laboratory
    from epbook.page import Axis, Claims, explore, glue

    __version__: str

_DRAWS = {
    "Axis": "epbook.page",
    "Claims": "epbook.page",
    "explore": "epbook.page",
    "figures": "",
    "glue": "epbook.page",
    "lab": "",
    "laboratory": "epbook.lab",
    "page": "",
}

__all__ = [
    "Axis",
    "Claims",
    "activations",
    "add_null",
    "atlas",
    "critical",
    "data",
    "effective_neurons",
    "embed",
    "embedding",
    "explore",
    "features",
    "find_critical",
    "glue",
    "gradient_flow",
    "gradient_l1",
    "grow",
    "growing",
    "hessian",
    "inertia",
    "lab",
    "laboratory",
    "layers",
    "losses",
    "networks",
    "neurons",
    "page",
    "plan",
    "reduce",
    "reduction",
    "sequential",
    "split",
    "split_inertia",
    "split_law",
    "train_many",
    "training",
    "two_layer",
    "units",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version(__name__)
    if name not in _DRAWS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = _DRAWS[name]
    return getattr(import_module(room), name) if room else import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_DRAWS})
