"""One script out of the JavaScript modules and the compiled kernels, for pages that may load nothing."""

from __future__ import annotations

import base64
import functools
import gzip
import json
import re
from importlib.resources import files

from epbook.page.both import one_of_two

_IMPORT = re.compile(r'^import \{ (.+?) \} from "\./(\w+)\.js";$', re.M)
_COMMENT = re.compile(r"^//.*$|  //.*$")


@functools.cache
def script() -> str:
    """The laboratory as statements that define ASSETS and `main_js`, of which `wake` and `render` are used.

    A page from the disk may load neither modules nor a .wasm: kernels are compressed text, and what the
    Workers run is text too. Source: the HTML standard, on file: addresses.

    >>> script().count("ASSETS")
    1
    """
    kernels = gzip.compress(files("epbook.lab").joinpath("kernels.wasm").read_bytes(), 9, mtime=0)
    assets = {"kernels": base64.b64encode(kernels).decode(), "worker": joined("worker", ())}
    text = json.dumps(assets, ensure_ascii=False).replace("</", "<\\/")
    return f"const ASSETS = {text};\n{joined('main', ('wake', 'render'))}"


def joined(entry: str, wanted: tuple[str, ...]) -> str:
    """A module and all it imports, each in a function of its own, so that their names do not meet.

    >>> joined("effective", ("effective",)).startswith("const effective_js = (() => {")
    True
    """
    sources: dict[str, str] = {}
    names: dict[str, set[str]] = {entry: set(wanted)}
    _collect(entry, sources, names)
    return "\n".join(
        f"const {module}_js = (() => {{\n{text}\nreturn {{ {', '.join(sorted(names[module]))} }};\n}})();"
        for module, text in sources.items()
    )


def style() -> str:
    """The style sheet of the laboratory.

    >>> ".ep-lab" in style()
    True
    """
    return _slim(_source("lab.css") + one_of_two())


def _collect(module: str, sources: dict[str, str], names: dict[str, set[str]]) -> None:
    """The module's text behind those of the modules it needs; which names others want of each."""
    text = _source(f"{module}.js")
    for wanted, other in _IMPORT.findall(text):
        names.setdefault(other, set()).update(wanted.split(", "))
        if other not in sources:
            _collect(other, sources, names)
    text = _IMPORT.sub(lambda found: f"const {{ {found[1]} }} = {found[2]}_js;", text)
    sources[module] = _slim(re.sub(r"^export ", "", text, flags=re.M))


def _source(name: str) -> str:
    return files("epbook.lab").joinpath(name).read_text(encoding="utf-8")


def _slim(text: str) -> str:
    """Without indentation, empty lines and comments: those that begin a line, or stand behind two blanks."""
    lines = (_COMMENT.sub("", line.strip()).rstrip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)
