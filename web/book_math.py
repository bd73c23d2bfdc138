"""Sphinx extension: formulas that are readable without JavaScript, as MathML in a `noscript` element.

And a full stop never stands at the head of a line, parted from the formula before it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

try:
    from latex2mathml.converter import convert
except ImportError:  # said by `start`
    convert = None

log = logging.getLogger(__name__)
Visitor = Callable[[HTML5Translator, nodes.Element], None]
# What MathJax looks for, as Sphinx writes it.
INLINE = re.compile(r"\\\(.*\\\)", re.DOTALL)
DISPLAY = re.compile(r"\\\[.*\\\]|\\begin\{.*\\end\{[a-z*]+\}", re.DOTALL)
DELIMITERS = re.compile(r"^\s*\\[(\[]|\\[)\]]\s*$")
# Kinds of aligned lines; the converter knows one of them.
LINES = re.compile(r"\\(begin|end)\{(?:align|aligned|gather|gathered|split|equation)\*?\}")
CLOSING = re.compile(r"[.,;:!?)’”]+")  # what may follow a formula without a space


def both(text: str, where: re.Pattern[str], display: str) -> str:
    """The HTML of a formula with MathML before the TeX; a style sheet hides the TeX where no script runs."""

    def pair(match: re.Match[str]) -> str:
        tex = html.unescape(DELIMITERS.sub("", match.group()))
        tex = LINES.sub(r"\\\1{align*}", tex)
        mathml = convert(tex, display=display).replace(' columnspacing=""', "")
        return f'<noscript>{mathml}</noscript><span class="ep-tex">{match.group()}</span>'

    return where.sub(pair, text, count=1)


def wrapped(visit: Visitor, where: re.Pattern[str], display: str) -> Visitor:
    """A visitor that writes what `visit` writes, with MathML."""

    def write(self: HTML5Translator, node: nodes.Element) -> None:
        start = len(self.body)
        try:
            visit(self, node)
        finally:  # these visitors leave by SkipNode
            self.body[start:] = [both("".join(self.body[start:]), where, display)]

    return write


def start(app: Sphinx) -> None:
    """Take the place of the visitors that write for MathJax alone: Sphinx's, or MyST's that came later."""
    registry = app.registry
    if convert is None:
        log.info("Without JavaScript formulas are TeX: latex2mathml is not installed, see requirements.txt.")
        return
    for renderers, where, display in (
        (registry.html_inline_math_renderers, INLINE, "inline"),
        (registry.html_block_math_renderers, DISPLAY, "block"),
    ):
        visit, depart = renderers["mathjax"]
        renderers["mathjax"] = (wrapped(visit, where, display), depart)


def keep_together(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Put an inline formula and the punctuation behind it into one element, within which no line ends."""
    for formula in list(doctree.findall(nodes.math)):
        around, place = formula.parent, formula.parent.index(formula)
        after = around[place + 1] if place + 1 < len(around) else None
        if isinstance(after, nodes.Text) and (close := CLOSING.match(after)):
            pair = nodes.inline("", "", classes=["ep-together"])
            around[place : place + 2] = [pair, nodes.Text(after[close.end() :])]
            pair += [formula, nodes.Text(close.group())]


def setup(app: Sphinx) -> dict[str, bool]:
    """Join the build."""
    app.connect("builder-inited", start, priority=900)
    app.connect("doctree-resolved", keep_together)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
