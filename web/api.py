"""Sphinx extension: the reference, from the docstrings, tied to the sections that explain it.

- Docstrings of this project are plain text, so that `help()` reads well: here they become reStructuredText.
- Code cells of the pages name functions as `ep.split(...)`. The section that names one first is where it is
  explained: its entry in the reference links there, and each page ends with links to the entries it uses.
- An entry that no cell names links to where a function that returns it is used, or to its room's section.
- Code in the text that is the name of an entry, `ep.split`, becomes a link to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from api_entries import FOLDER, ROOMS, SUBJECTS, entries, makers, page_of, resolve
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.autodoc import ClassDocumenter, FunctionDocumenter
from sphinx.util.nodes import make_refnode

# Shown by their names in signatures, not as the long unions they stand for.
ALIASES = ("ActivationLike", "ArrayLike", "Loss", "NDArray", "Triple", "Value")
NAMED = re.compile(r"ep(?:book)?\.([\w.]+(?:\(\))?)")
USE = re.compile(r"\bep\.((?:[a-z_]\w*\.)*[A-Za-z_]\w*)")


def readable(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Turn a docstring into reStructuredText: `code` as code, examples as they are, all else as it stands."""
    if what == "module" or "".join(lines[:1]).startswith("Alias for field number"):
        lines.clear()  # the page says it, and the docstring of the class what a field is
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
    """Entries get a link to the book; pages get links to entries, in the text and in a line at the end."""
    for literal in list(doctree.findall(nodes.literal)):
        _linked(app, page, literal)
    for signature in list(doctree.findall(addnodes.desc_signature)):
        _explained(app, page, signature)
    if page.startswith(FOLDER) or app.builder.name == "singlehtml":  # which has no end of each page
        return
    used = _all_uses(app.env).get(page, {})
    names = [name for name in used if page_of(name) != f"{FOLDER}page"]  # what every page is made with
    if names:
        names.sort(key=lambda name: name.rsplit(".", 1)[1].lower())
        doctree.next_node(nodes.section).append(_line("In the reference: ", *_names_of(app, page, names)))


def _names_of(app: Sphinx, page: str, names: list[str]) -> list[nodes.Node]:
    """Links to entries by their short names, with commas between."""
    links: list[nodes.Node] = []
    for name in names:
        literal = nodes.literal("", name.rsplit(".", 1)[1], classes=["py"])
        links += [nodes.Text(", "), make_refnode(app.builder, page, page_of(name), name, [literal])]
    return links[1:]


def _explained(app: Sphinx, page: str, signature: addnodes.desc_signature) -> None:
    (name, *_) = signature["ids"] or [""]
    if name not in entries():  # a method, a field
        return
    content = signature.parent.next_node(addnodes.desc_content)
    if ">>>" not in content.astext() and (functions := makers(name)):  # whose examples show it
        content.append(_line("Comes from: ", *_names_of(app, page, functions)))
    words, (other, anchor, title) = "In the book: ", _first_use(app, name) or ("", "", "")
    if not other:
        words = "On this in the book: "
        used = filter(None, (_first_use(app, each) for each in makers(name)))
        other, anchor, title = next(used, None) or _section_on(app, name)
    reference = make_refnode(app.builder, page, other, anchor, [nodes.Text(title)])
    content.append(_line(words, reference))


def _first_use(app: Sphinx, name: str) -> tuple[str, str, str] | None:
    for other in _reading_order(app.env, app.config.root_doc):
        if name in _all_uses(app.env).get(other, {}):
            return other, *_all_uses(app.env)[other][name]
    return None


def _section_on(app: Sphinx, name: str) -> tuple[str, str, str]:
    label = SUBJECTS.get(name) or ROOMS[name.removeprefix("epbook.").rsplit(".", 1)[0]]
    other, anchor, title = app.env.get_domain("std").labels[label]  # type: ignore[attr-defined]
    return other, anchor, title


def _linked(app: Sphinx, page: str, literal: nodes.literal) -> None:
    """Make a link of code that is the name of an entry, unless it is in a heading or a link already."""
    inside: nodes.Node | None = literal
    while inside is not None:
        if isinstance(inside, nodes.title | nodes.reference | nodes.caption | addnodes.desc_signature):
            return
        inside = inside.parent
    if (words := NAMED.fullmatch(literal.astext())) and (name := resolve(words[1])):
        literal.replace_self(make_refnode(app.builder, page, page_of(name), name, [literal.deepcopy()]))


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
