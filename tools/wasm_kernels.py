"""What the laboratory's WebAssembly offers: kernels of the package behind plain pointers and numbers."""

from __future__ import annotations

from typing import Any

from numba import carray, njit, types

from epbook.critical.ramp_search import search
from epbook.critical.ramps import Ramps
from epbook.training import fused, relu_line

F8, I8, I2, I1 = (types.CPointer(kind) for kind in (types.float64, types.int64, types.int16, types.int8))
f8, i8 = types.float64, types.int64
TANH = fused.TANH


def advance(hidden, out, x, y, m, n, lr, losses, steps):
    """`relu_line.advance` for m neurons on n ascending points."""
    return relu_line.advance(
        carray(hidden, (m, 2)), carray(out, (1, m)), carray(x, (n,)), carray(y, (n,)), lr,
        carray(losses, (steps,)),
    )  # fmt: skip


def advance_tanh(hidden, out, x, y, m, n, lr, losses, steps):
    """`fused.advance` with tanh, one input and one output."""
    return fused.advance(
        carray(hidden, (m, 2)), carray(out, (1, m)), carray(x, (1, n)), carray(y, (1, n)), lr,
        carray(losses, (steps,)), TANH,
    )  # fmt: skip


def fit_ramps(
    n, total, count, choices_left, rays, pieces, length, steps, turn, place, right, gap,
    targets, marks, chosen, keys, losses, widths, choices, signs,
):  # fmt: skip
    """`ramp_search.search` over the next choices of `count` pieces out of `total`."""
    every = Ramps(
        carray(rays, (2 * n, n)), carray(pieces, (total, 2)), carray(length, (total,)),
        carray(steps, (total, n)), carray(turn, (total,)), carray(place, (total,)),
        carray(right, (total,)) != 0, carray(gap, (total, 2)),
    )  # fmt: skip
    return search(
        every, carray(targets, (n,)), carray(marks, (4, n)), carray(chosen, (count,)),
        carray(keys, (choices_left, 4)), carray(losses, (choices_left,)), carray(widths, (choices_left,)),
        carray(choices, (choices_left, count)), carray(signs, (choices_left, count)),
    )  # fmt: skip


STEPS = i8(F8, F8, F8, F8, i8, i8, f8, F8, i8)
EXPORTS: dict[str, tuple[Any, Any]] = {
    "advance": (advance, STEPS),
    "advance_tanh": (advance_tanh, STEPS),
    "fit_ramps": (
        fit_ramps,
        i8(i8, i8, i8, i8, F8, I8, F8, F8, F8, I8, I8, I8, F8, F8, I8, F8, F8, I2, I2, I1),
    ),
}


def compiled(name: str) -> tuple[str, str]:
    """The mangled name of a kernel, and the kernel with all it calls in LLVM's language."""
    function, signature = EXPORTS[name]
    kernel = njit([signature], error_model="numpy", nogil=True)(function)
    (known,) = kernel.signatures
    return kernel.overloads[known].fndesc.mangled_name, kernel.inspect_llvm(known)
