"""Where the numbers of a unit stand: slices of parameters, the same for every unit of a family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Part:
    """One slice of one parameter for each unit: entries along `dim`, unit after unit from `start` on.

    name: of the parameter, as in `net.named_parameters()`. sizes: how many entries each unit has; a head
    has several rows, a channel in front of a Flatten several columns. Source: `epbook.units`.
    """

    name: str
    dim: int
    sizes: tuple[int, ...]
    start: int = 0

    @property
    def stop(self) -> int:
        """Where the entries of the last unit end."""
        return self.start + sum(self.sizes)

    def take(self, values: Tensor, unit: int) -> Tensor:
        """The slice of one unit from `values`, of any shape."""
        return values.narrow(self.dim, self.start + sum(self.sizes[:unit]), self.sizes[unit])

    def put(self, values: Tensor, unit: int, piece: Tensor) -> Tensor:
        """`values`, of any shape, with another slice for one unit; a new tensor."""
        first = self.start + sum(self.sizes[:unit])
        last = first + self.sizes[unit]
        before = values.narrow(self.dim, 0, first)
        after = values.narrow(self.dim, last, values.shape[self.dim] - last)
        return torch.cat([before, piece, after], dim=self.dim)

    def join(self, values: Tensor, pieces: list[Tensor]) -> Tensor:
        """`values`, of any shape, with further units behind its last one; a new tensor."""
        before = values.narrow(self.dim, 0, self.stop)
        after = values.narrow(self.dim, self.stop, values.shape[self.dim] - self.stop)
        return torch.cat([before, *pieces, after], dim=self.dim)

    def chosen(self, values: Tensor, units: list[int]) -> Tensor:
        """`values`, of any shape, with these units alone; a new tensor."""
        before = values.narrow(self.dim, 0, self.start)
        after = values.narrow(self.dim, self.stop, values.shape[self.dim] - self.stop)
        return torch.cat([before, *(self.take(values, unit) for unit in units), after], dim=self.dim)


@dataclass(frozen=True)
class Units:
    """A family of units that enter one sum, Σ_j C_j φ(x; w_j), linear in C_j.

    name: how the functions of this room call the family. kind: what its units are, in words.
    incoming, outgoing: where w_j and C_j stand. sum_at: the module whose output is the sum (and what does
    not depend on the units). homogeneous: whether φ(x; s·w) = s φ(x; w) for s > 0. odd: φ(x; −w) = −φ(x; w).
    carried: buffers that belong to a unit (running statistics). attention: path of the `Attention` whose
    head sizes change with the family, and `head` which of its heads the units are in (None: the heads).
    Source: `epbook.units`; the page on units.
    """

    name: str
    kind: str
    incoming: tuple[Part, ...]
    outgoing: tuple[Part, ...]
    sum_at: str
    homogeneous: bool = False
    odd: bool = False
    carried: tuple[Part, ...] = ()
    attention: str | None = None
    head: int | None = None

    def __len__(self) -> int:
        return len(self.incoming[0].sizes)

    def __str__(self) -> str:
        return f"{self.name}: {len(self)} {self.kind}, summed in {self.sum_at or 'the network'}"

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts: what comes in, what goes out, what is carried."""
        return self.incoming + self.outgoing + self.carried

    def resized(self, units: list[int]) -> Units:
        """The family with these units, in this order, in place of its own."""

        def sized(parts: tuple[Part, ...]) -> tuple[Part, ...]:
            return tuple(replace(part, sizes=tuple(part.sizes[unit] for unit in units)) for part in parts)

        return replace(
            self,
            incoming=sized(self.incoming),
            outgoing=sized(self.outgoing),
            carried=sized(self.carried),
        )

    def vectors(self, values: Mapping[str, Tensor], unit: int) -> tuple[Tensor, Tensor]:
        """(w, C) of one unit, each as one vector, (d,) and (k,)."""
        return tuple(  # type: ignore[return-value]
            torch.cat([part.take(values[part.name], unit).flatten() for part in parts])
            for parts in (self.incoming, self.outgoing)
        )

    def replaced(self, values: Mapping[str, Tensor], unit: int, w: Tensor, C: Tensor) -> dict[str, Tensor]:
        """All parameters, with other vectors w, (d,), and C, (k,), for one unit."""
        new = dict(values)
        for parts, vector in ((self.incoming, w), (self.outgoing, C)):
            shapes = [part.take(values[part.name], unit).shape for part in parts]
            pieces = torch.split(vector, [shape.numel() for shape in shapes])
            for part, shape, piece in zip(parts, shapes, pieces, strict=True):
                new[part.name] = part.put(new[part.name], unit, piece.view(shape))
        return new

    def split(self, values: Mapping[str, Tensor], unit: int, shares: Tensor) -> dict[str, Tensor]:
        """All parameters after the split (w, C) ↦ (w, f_1 C), …, (w, f_k C); the copies stand last.

        Buffers are split along where `values` holds them.
        """
        new = dict(values)
        for part in (*self.incoming, *self.outgoing, *(each for each in self.carried if each.name in new)):
            whole = new[part.name]
            piece = part.take(whole, unit)
            if part in self.outgoing:
                whole = part.put(whole, unit, shares[0] * piece)
                pieces = [share * piece for share in shares[1:]]
            else:
                pieces = [piece] * (len(shares) - 1)
            new[part.name] = part.join(whole, pieces)
        return new
