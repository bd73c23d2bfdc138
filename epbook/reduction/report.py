"""What a reduction did, and how far it can have moved the output."""

from __future__ import annotations

from dataclasses import dataclass

from epbook.reduction.groups import Groups
from epbook.results import Result


@dataclass(frozen=True, eq=False)
class LayerReport(Result):
    """The reduction of one hidden layer.

    groups: what was merged, set apart and folded. width_before, width_after: neurons of the layer.
    dropped_amplitude: summed amplitude of the neurons left out, as a share of the layer's.
    offset, slope: ‖change of the next layer's input‖ ≤ offset + slope·‖x̃‖ for **every** input x̃ = [x; 1]
    of this layer; None where σ has no known Lipschitz constant.
    bound: the same at the largest ‖x̃‖ of the data, carried to the output; None without data.
    Source: textbook section 1.4.
    """

    groups: Groups
    width_before: int
    width_after: int
    dropped_amplitude: float
    offset: float | None
    slope: float | None
    bound: float | None

    def __str__(self) -> str:
        sizes = sorted((len(group) for group in self.groups.members), reverse=True)
        shown = ", ".join(map(str, sizes[:8])) + (", …" if len(sizes) > 8 else "")
        return (
            f"layer {self.groups.layer}: width {self.width_before} → {self.width_after}, "
            f"group sizes {shown}\n"
            f"  worst pair {min(self.groups.worst):.4f} (asked: ≥ {self.groups.threshold:g})\n"
            f"  low amplitude: {len(self.groups.low)} neurons, "
            f"{self.dropped_amplitude:.2g} of all amplitude; constants: {len(self.groups.constant)}"
        )


@dataclass(frozen=True, eq=False)
class Report(Result):
    """The reduction of a network.

    layers: one LayerReport per hidden layer reduced. mode: how the representatives were made.
    change: max_i ‖f_small(x_i) − f(x_i)‖ over the data, as computed in float64; bound: at least as large,
    from the bounds of the layers and the rounding of both computations;
    None where σ has no known Lipschitz constant. loss_before, loss_after: on the data.
    All None where the data for it was not given. Source: textbook section 1.4.
    """

    layers: tuple[LayerReport, ...]
    mode: str
    bound: float | None = None
    change: float | None = None
    loss_before: float | None = None
    loss_after: float | None = None

    @property
    def widths_after(self) -> tuple[int, ...]:
        """Neurons left in each layer of the report."""
        return tuple(layer.width_after for layer in self.layers)

    def __str__(self) -> str:
        lines = [f'mode "{self.mode}"', *map(str, self.layers)]
        if self.change is not None:
            bound = "no bound" if self.bound is None else f"bound {self.bound:.3g}"
            lines.append(f"largest output change on the data {self.change:.3g} ({bound})")
        if self.loss_before is not None:
            lines.append(f"loss {self.loss_before:.6g} → {self.loss_after:.6g}")
        return "\n".join(lines)
