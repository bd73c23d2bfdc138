"""The laboratory's WebAssembly is that of today's kernels, and its object file becomes a module."""

import re

import pytest

from epbook.lab import assets
from tools import wasm


def test_the_committed_module_is_made_of_the_kernels_of_today():
    assert wasm.DIGEST.read_text().strip() == wasm.sources(), "run python -m tools.wasm"


def test_every_kernel_that_takes_part_is_a_source():
    named = {path.stem for path in wasm.SOURCES}
    text = "\n".join(path.read_text(encoding="utf-8") for path in wasm.SOURCES)
    kernels = set(re.findall(r"^from epbook\.(?:training|critical)\.(\w+) import", text, flags=re.M))
    assert kernels - {"ramps"} <= named  # of ramps.py only the names of a tuple's fields are used


def test_the_digest_sees_every_source(monkeypatch, tmp_path):
    before = wasm.sources()
    for path in wasm.SOURCES:
        other = tmp_path / path.name
        other.write_bytes(path.read_bytes() + b"\n")
        monkeypatch.setattr(wasm, "SOURCES", [other if each == path else each for each in wasm.SOURCES])
        assert wasm.sources() != before
        monkeypatch.undo()


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 78018, 2**32 - 1])
def test_numbers_are_written_as_they_are_read(value):
    assert wasm.number(b"x" + wasm.leb(value), 1) == (value, 1 + len(wasm.leb(value)))


def test_what_is_no_module_is_refused():
    with pytest.raises(ValueError, match="no WebAssembly"):
        wasm.exported(b"\x7fELF\x01\x00\x00\x00", ("advance",))


def test_the_module_exports_the_kernels():
    from tools.wasm_kernels import EXPORTS

    binary, at, names = wasm.MODULE.read_bytes(), 8, []
    while at < len(binary):
        kind = binary[at]
        size, at = wasm.number(binary, at + 1)
        if kind == wasm.EXPORT:
            count, place = wasm.number(binary, at)
            for _ in range(count):
                length, place = wasm.number(binary, place)
                names.append(binary[place : place + length].decode())
                _, place = wasm.number(binary, place + length + 1)
        at += size
    assert names == list(EXPORTS)


SCRIPTS = sorted(wasm.MODULE.parent.glob("*.js"))


def test_a_script_has_one_subject_and_says_which():
    for path in SCRIPTS:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 250, path.name
        assert lines[0].startswith("// "), path.name


def test_every_module_is_part_of_the_script():
    for path in SCRIPTS:
        assert f"const {path.stem}_js = " in assets.script().replace("\\n", "\n"), path.name
