"""Units of any kind: what enters a sum Σ_j C_j φ(x; w_j) and can be split as a neuron can.

The functions have the names that neurons have in `epbook`: `split`, `split_law`, `split_inertia`, `embed`,
`features`, `groups`, `reduce`; here they take any nn.Module and say with `units=` which family is meant.
"""

from epbook.units.attention import Attention
from epbook.units.embed import embed
from epbook.units.examples import EXAMPLES, Example, GatedBlock, ResidualBlock
from epbook.units.features import UnitGroups, features, groups
from epbook.units.find import Found, find
from epbook.units.keep import keep
from epbook.units.law import law_matrices, split_inertia, split_law
from epbook.units.named import named
from epbook.units.parts import Part, Units
from epbook.units.reduce import UnitReport, reduce
from epbook.units.split import split
from epbook.units.stream import Stream
from epbook.units.verify import Trial, verify

__all__ = [
    "EXAMPLES",
    "Attention",
    "Example",
    "Found",
    "GatedBlock",
    "Part",
    "ResidualBlock",
    "Stream",
    "Trial",
    "UnitGroups",
    "UnitReport",
    "Units",
    "embed",
    "features",
    "find",
    "groups",
    "keep",
    "law_matrices",
    "named",
    "reduce",
    "split",
    "split_inertia",
    "split_law",
    "verify",
]
