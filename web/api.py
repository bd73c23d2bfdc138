"""Sphinx extension: the reference, from the docstrings, tied to the sections that explain it.

- Docstrings of this project are plain text, so that `help()` reads well: here they become reStructuredText.
- Code cells of the pages name functions as `ep.split(...)`. The section that names one first is where it is
  explained: its entry in the reference links there, and each page ends with links to the entries it uses.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.autodoc import ClassDocumenter, FunctionDocumenter
from sphinx.util.nodes import make_refnode

FOLDER = "book/api/"
# Rooms with a page of their own, in the order of the book.
ROOMS = (
    *("networks", "data", "training", "neurons", "critical"),
    *("embedding", "reduction", "units", "atlas", "growing", "page", "lab"),
)
# Shown by their names in signatures, not as the long unions they stand for.
ALIASES = ("ActivationLike", "ArrayLike", "Loss", "NDArray", "Triple", "Value")
USE = re.compile(r"\bep\.((?:[a-z_]\w*\.)*[A-Za-z_]\w*)")


def entries() -> dict[str, Any]:
    """Classes and functions of the reference by their full name, `epbook.training.train_many`."""
    found = {}
    for room in ROOMS:
        module = importlib.import_module(f"epbook.{room}")
        for name in getattr(module, "__all__", [name for name in vars(module) if name[0] != "_"]):
            thing = getattr(module, name)
            if callable(thing) and getattr(thing, "__module__", "").startswith(module.__name__):
                found[f"epbook.{room}.{name}"] = thing
    return found


def resolve(words: str) -> str | None:
    """The entry that a page means by `ep.<words>`; None where it has none in the reference."""
    thing: Any = importlib.import_module("epbook")
    for word in words.split("."):
        thing = getattr(thing, word, None)
    return next((name for name, each in entries().items() if each is thing), None)


def readable(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Turn a docstring into reStructuredText: `code` as code, examples as they are, all else as it stands."""
    if what == "module":  # its page says it
        lines.clear()
    blocks, example, listed = [], False, False
    for line in lines:
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        listed = line.startswith("- ") or (listed and line.startswith("  "))
        # An indented formula inside a paragraph stays a part of it.
        blocks.append(line if example else _prose(line if listed else line.lstrip()))
    lines[:] = blocks


def _prose(line: str) -> str:
    pieces = re.split(r"`([^`]+)`", line)
    pieces[::2] = [re.sub(r"([\\*|_])", r"\\\1", piece) for piece in pieces[::2]]
    pieces[1::2] = [rf"\ ``{piece}``\ " for piece in pieces[1::2]]  # an escaped blank is none
    text = "".join(pieces)
    return re.sub(r"\b(Raises|Returns|Source)\b", r"**\1**", text)


def note_uses(app: Sphinx, doctree: nodes.document) -> None:
    """Remember which entries the code of a page uses, and in which section first."""
    page = app.env.docname
    if page.startswith(FOLDER):
        return
    uses: dict[str, tuple[str, str]] = {}
    for block in doctree.findall(nodes.literal_block):
        section = block
        while section is not None and not isinstance(section, nodes.section):
            section = section.parent
        for words in USE.findall(block.astext()):
            name = resolve(words)
            if name and name not in uses and section is not None:
                uses[name] = (section["ids"][0], section.next_node(nodes.title).astext())
    _all_uses(app.env)[page] = uses


def _all_uses(env: BuildEnvironment) -> dict[str, dict[str, tuple[str, str]]]:
    if not hasattr(env, "epbook_uses"):
        env.epbook_uses = {}  # type: ignore[attr-defined]
    return env.epbook_uses  # type: ignore[attr-defined,no-any-return]


def forget(app: Sphinx, env: BuildEnvironment, page: str) -> None:
    """A page that is read anew starts with nothing."""
    _all_uses(env).pop(page, None)


def merge(app: Sphinx, env: BuildEnvironment, pages: set[str], other: BuildEnvironment) -> None:
    """Take what another process read."""
    _all_uses(env).update({page: uses for page, uses in _all_uses(other).items() if page in pages})


def reference_is_stale(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Pages that have to be written again when any has been read: those that link to sections of others."""
    return [page for page in env.found_docs if page.startswith(FOLDER)]


def link(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Entries get a link to where they are used first; pages a line of links to the entries they use."""
    if page.startswith(FOLDER):
        for signature in doctree.findall(addnodes.desc_signature):
            _explained(app, page, signature)
    elif app.builder.name != "singlehtml":
        used = _all_uses(app.env).get(page, {})
        links: list[nodes.Node] = []
        for name in sorted(used, key=lambda name: name.rsplit(".", 1)[1].lower()):
            room, short = name.split(".")[1:]
            if room == "page":  # what every page is made with
                continue
            literal = nodes.literal("", short, classes=["py"])
            links += [
                nodes.Text(", "),
                make_refnode(app.builder, page, f"{FOLDER}{room}", name, [literal]),
            ]
        if links:
            doctree.next_node(nodes.section).append(_line("In the reference: ", *links[1:]))


def _explained(app: Sphinx, page: str, signature: addnodes.desc_signature) -> None:
    (name, *_) = signature["ids"] or [""]
    for other in _reading_order(app.env, app.config.root_doc):
        if name in _all_uses(app.env).get(other, {}):
            anchor, title = _all_uses(app.env)[other][name]
            reference = make_refnode(app.builder, page, other, anchor, [nodes.Text(title)])
            signature.parent.next_node(addnodes.desc_content).append(_line("In the book: ", reference))
            return


def _line(words: str, *links: nodes.Node) -> nodes.paragraph:
    return nodes.paragraph("", "", nodes.Text(words), *links, nodes.Text("."), classes=["ep-reference"])


def _reading_order(env: BuildEnvironment, page: str) -> Iterator[str]:
    yield page
    for child in env.toctree_includes.get(page, []):
        yield from _reading_order(env, child)


def setup(app: Sphinx) -> dict[str, bool]:
    """Join the build."""
    app.setup_extension("sphinx.ext.autodoc")
    app.config.autodoc_typehints = "signature"
    app.config.autodoc_typehints_format = "short"
    app.config.autodoc_preserve_defaults = True
    app.config.autodoc_inherit_docstrings = False  # of nn.Module, whose docstrings are not ours
    app.config.autodoc_type_aliases = {name: name for name in ALIASES}
    ClassDocumenter.member_order = FunctionDocumenter.member_order + 1  # what is done, then what comes back
    app.config.maximum_signature_line_length = 70
    app.config.add_module_names = False
    # Types of PyTorch and NumPy have no page here, and no page of another host is asked for while building.
    app.config.nitpick_ignore_regex = [("py:.*", r"(?!epbook\.(networks|data)\.).*")]
    app.connect("autodoc-process-docstring", readable)
    app.connect("doctree-read", note_uses)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", reference_is_stale)
    app.connect("doctree-resolved", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
