"""The package's own numba kernels as one WebAssembly module, for the laboratory on the page.

numba gives LLVM's own language for a kernel, llvmlite has LLVM's back end for WebAssembly, and what that
emits is loadable as it is, but for a list of exports, which `exported` adds. So neither a C compiler nor a
linker nor Node takes part. The module is kept in the repository with the digest of the sources it is made
of: after an edit of a kernel the test of the digest fails until `python -m tools.wasm` has run.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MODULE = ROOT / "epbook" / "lab" / "kernels.wasm"
DIGEST = MODULE.with_suffix(".digest")
TRAINING = ("fused", "relu_line", "relu_neurons", "relu_patterns", "relu_steps")
CRITICAL = ("neuron_count", "ramp_search")
SOURCES = [
    *(ROOT / "epbook" / "training" / f"{name}.py" for name in TRAINING),
    *(ROOT / "epbook" / "critical" / f"{name}.py" for name in CRITICAL),
    ROOT / "tools" / "wasm_kernels.py",
]

LAYOUT = "e-m:e-p:32:32-p10:8:8-p20:8:8-i64:64-i128:128-n32:64-S128-ni:1:10:20"
FEATURES = "+bulk-memory,+sign-ext,+mutable-globals,+nontrapping-fptoint,+simd128"


def sources() -> str:
    """The digest of everything that the module is made of."""
    from epbook.store import digest

    return digest(*SOURCES)


def build() -> bytes:
    """The module, made anew; numba must not have compiled anything in this process before."""
    os.environ["NUMBA_OPT"] = "0"  # optimised once, for the machine it is for
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NUMBA_CACHE_DIR"] = folder
        import llvmlite.binding as llvm
        from numba.core.errors import NumbaWarning

        warnings.simplefilter("ignore", NumbaWarning)  # that pointers keep it from caching
        from tools.wasm_kernels import EXPORTS, compiled

        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
        machine = llvm.Target.from_triple("wasm32-unknown-unknown").create_target_machine(
            opt=3, reloc="static", features=FEATURES
        )
        whole: Any = None
        for name in EXPORTS:
            module = llvm.parse_assembly(_retargeted(name, *compiled(name)))
            module.verify()
            for each in (*module.functions, *module.global_variables):
                if not each.is_declaration and each.name != name:
                    each.linkage = "internal"  # so that whatever nobody calls is dropped
            if whole is None:
                whole = module
            else:
                whole.link_in(module)
        whole = llvm.parse_assembly(_speechless(str(whole)))
        whole.verify()
        _optimise(llvm, machine, whole)
        return exported(machine.emit_object(whole), tuple(EXPORTS))


def _retargeted(name: str, mangled: str, text: str) -> str:
    """A kernel in LLVM's language, for the other machine and under its short name."""
    text = re.sub(r"^target triple = .*$", 'target triple = "wasm32-unknown-unknown"', text, flags=re.M)
    text = re.sub(r"^target datalayout = .*$", f'target datalayout = "{LAYOUT}"', text, flags=re.M)
    # There is no Python to raise anything: only the addresses of its exceptions are ever looked at.
    text = re.sub(r"^(@PyExc_\w+ = )external global i8$", r"\1internal global i8 0", text, flags=re.M)
    return re.sub(rf'@"?{re.escape(mangled)}"?\(', f"@{name}(", text)


def _speechless(text: str) -> str:
    """Without the builders of numba's error messages, a fifth of the module: nobody could read one there."""
    builder = (
        r"^(define internal [^\n]*@_ZN5numba(?:7cpython7unicode|2np8arrayobj\d+ol_raise_with_shape)[^\n]*)\n"
    )
    stop = r"\1\nentry:\n  call void @llvm.trap()\n  unreachable\n}"
    text = re.sub(builder + r".*?^\}", stop, text, flags=re.M | re.S)
    return text if "declare void @llvm.trap()" in text else text + "\ndeclare void @llvm.trap()\n"


def _optimise(llvm: Any, machine: Any, module: Any) -> None:
    """LLVM's passes of level 3, with numba's own, which drops pairs of counting references up and down."""
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization, options.slp_vectorization = True, False
    builder = llvm.create_pass_builder(machine, options)
    for _ in range(2):
        builder.getModulePassManager().run(module, builder)
        pairs = llvm.create_new_module_pass_manager()
        pairs.add_refprune_pass()
        pairs.run(module, builder)
    builder.getModulePassManager().run(module, builder)


# The binary format: https://webassembly.github.io/spec/core/binary; the symbol table of an object file:
# https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md
EXPORT, ORDER = 7, (1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11)
FUNCTION, DATA, SECTION = 0, 1, 3
UNDEFINED, NAMED = 0x10, 0x40


def exported(binary: bytes, names: tuple[str, ...]) -> bytes:
    """An object file with an export section for these functions, and without what only a linker needs."""
    if binary[:8] != b"\0asm\1\0\0\0":
        raise ValueError(f"no WebAssembly of version 1: it begins with {binary[:8]!r}")
    sections, at, symbols = {}, 8, {}
    while at < len(binary):
        kind = binary[at]
        size, at = number(binary, at + 1)
        body, at = binary[at : at + size], at + size
        if kind:
            sections[kind] = body
            continue
        length, start = number(body, 0)
        if body[start : start + length] == b"linking":
            symbols = dict(_functions(body, start + length))
    rows = (leb(len(name)) + name.encode() + b"\0" + leb(symbols[name]) for name in names)
    sections[EXPORT] = leb(len(names)) + b"".join(rows)
    parts = (bytes([kind]) + leb(len(sections[kind])) + sections[kind] for kind in ORDER if kind in sections)
    return binary[:8] + b"".join(parts)


def _functions(body: bytes, at: int) -> Iterator[tuple[str, int]]:
    """Names and numbers of the functions in a symbol table."""
    _, at = number(body, at)  # the version
    while at < len(body):
        kind = body[at]
        size, at = number(body, at + 1)
        end = at + size
        if kind == 8:
            count, at = number(body, at)
            for _ in range(count):
                what = body[at]
                flags, at = number(body, at + 1)
                if what == SECTION:
                    _, at = number(body, at)
                    continue
                index = -1
                if what != DATA:
                    index, at = number(body, at)
                if what == DATA or not flags & UNDEFINED or flags & NAMED:
                    length, at = number(body, at)
                    name, at = body[at : at + length].decode(), at + length
                    if what == FUNCTION:
                        yield name, index
                if what == DATA and not flags & UNDEFINED:
                    for _ in range(3):  # segment, offset, size
                        _, at = number(body, at)
        at = end


def number(binary: bytes, at: int) -> tuple[int, int]:
    """The unsigned LEB128 number at a place, and the place behind it."""
    value = shift = 0
    while True:
        byte, at = binary[at], at + 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def leb(value: int) -> bytes:
    """An unsigned number in LEB128: seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, compare a new build")
    options = parser.parse_args(arguments)
    made = build()
    if options.check:
        same = MODULE.read_bytes() == made and DIGEST.read_text().strip() == sources()
        print(f"{MODULE.name} is {'that of the kernels' if same else 'old: run python -m tools.wasm'}")
        return not same
    MODULE.write_bytes(made)
    DIGEST.write_text(sources() + "\n")
    print(f"{MODULE.relative_to(ROOT)}: {len(made)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
