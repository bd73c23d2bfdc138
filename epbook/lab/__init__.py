"""The laboratory: nets that a reader trains on the page, by the package's own kernels, without Python.

The numba kernels of `epbook.training` and `epbook.critical` are compiled to WebAssembly (`tools/wasm.py`,
`kernels.wasm`); what is around them is JavaScript, a module for each subject, joined by `assets`.
"""

from epbook.extras import needs

with needs("figures"):
    from epbook.lab.station import Laboratory, laboratory, splitting

__all__ = ["Laboratory", "laboratory", "splitting"]
