"""Sphinx extension: pages that need nobody else, with figures that follow the theme.

- Takes away the scripts of foreign hosts that other extensions add, and the theme's 1.4 MB icon script.
- Serves MathJax from the installed package `sphinx-mathjax-offline` after checking it, and the book's style
  sheet and script. Without the package the book builds, says what is missing, and shows formulas as TeX.
- Puts vector figures into the page itself, where they take the colours of the page.
- Teaches the single-page builder, from which the book is printed, the nodes of other extensions.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.ext.mathjax import install_mathjax
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

from epbook.page.both import inline_both, one_of_two, unpack
from epbook.page.style import themed
from epbook.page.svg import fingerprint

HERE = Path(__file__).parent
FOREIGN = ("sphinx_thebe", "sphinx_comments")
MATHJAX = "sphinx-mathjax-offline"
# Of MathJax 3.2.2, without the context menu, which is a third of the usual bundle, and without the one file
# of all extensions: a formula that needs one loads that one.
MATHJAX_FILES = re.compile(
    r"static/mathjax/((startup|core|input/tex|output/chtml|output/chtml/fonts/tex|a11y/assistive-mml)\.js"
    r"|output/chtml/fonts/woff-v2/.*\.woff|input/tex/extensions/(?!all-packages).*\.js)$"
)
MATHJAX_SHA256 = "fa45d2c0023f2d81dc5167b5c796a239f85ab0aad06799596acf8a213e3b26ee"
TRUETYPE = re.compile(r',url\(([^()]+\.ttf)\) format\("truetype"\)')
# The signs of the pages are of one of the theme's three fonts (book_pages.py sees to that).
UNUSED = re.compile(r"@font-face\{[^}]*url\(([^()]+/fa-(?:brands|regular)-400\.woff2)\)[^}]*\}")

log = logging.getLogger(__name__)


def configure(app: Sphinx, config: Config) -> None:
    """Take foreign scripts off the pages and set what follows from other settings."""
    for listeners in app.events.listeners.values():
        listeners[:] = [each for each in listeners if each.handler.__module__.split(".")[0] not in FOREIGN]
    app.registry.css_files[:] = [each for each in app.registry.css_files if "thebe" not in each[0]]
    config.nb_ipywidgets_js = {}
    config.mathjax_path = "mathjax/startup.js"
    config.mathjax3_config = {"loader": {"load": ["input/tex", "output/chtml", "a11y/assistive-mml"]}}


def mathjax_files() -> dict[str, Path]:
    """The files of MathJax by their path on the site; none where the package is missing.

    Raises RuntimeError where they are not the ones this book was checked with.
    """
    try:
        package = distribution(MATHJAX)
    except PackageNotFoundError:
        return {}
    found = {}
    for file in package.files or []:
        if match := MATHJAX_FILES.search(file.as_posix()):
            found[match.group(1)] = Path(file.locate())
    digest = hashlib.sha256(b"".join(found[name].read_bytes() for name in sorted(found))).hexdigest()
    if digest != MATHJAX_SHA256:
        raise RuntimeError(f"{MATHJAX} {package.version} has the checksum {digest}, not {MATHJAX_SHA256}")
    return found


def copy_files(app: Sphinx) -> None:
    """Write style sheet, script and MathJax to the site."""
    static = Path(app.outdir) / "_static"
    static.mkdir(parents=True, exist_ok=True)
    dark = "".join(f"--ep-{light[1:]}:{dark};" for light, dark in themed().items())
    style = (HERE / "book.css").read_text(encoding="utf-8") + one_of_two()
    (static / "book.css").write_text(f"{style}\nhtml[data-theme=dark]{{{dark}}}\n", encoding="utf-8")
    for name in ("book.js", "chinese.woff"):
        shutil.copyfile(HERE / name, static / name)
    shutil.copyfile(HERE / "spectrum.png", static / "sharing.png")
    app.add_css_file("book.css")
    app.add_js_file("book.js")
    if app.builder.format != "html":
        return
    files = mathjax_files()
    for name, source in files.items():
        target = static / "mathjax" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    if not files:
        log.info("Formulas are shown as TeX, because %s is not installed: see requirements.txt.", MATHJAX)
        listeners = app.events.listeners["html-page-context"]
        listeners[:] = [each for each in listeners if each.handler is not install_mathjax]


def teach_single_page(app: Sphinx) -> None:
    """Let the single-page builder draw every node that the page builder can draw."""
    handlers = app.registry.translation_handlers
    for name, handler in handlers.get("html", {}).items():
        handlers.setdefault("singlehtml", {}).setdefault(name, handler)


def visit_image(self: HTML5Translator, node: nodes.image) -> None:
    """Put matplotlib's SVG files into the page; leave every other image to Sphinx."""
    source = Path(self.builder.app.srcdir) / node["uri"]
    text = source.read_text(encoding="utf-8") if source.suffix == ".svg" and source.exists() else ""
    if '<g id="figure_1">' not in text[:2000]:
        HTML5Translator.visit_image(self, node)
        return
    pair = unpack(text)
    self.body.append(inline_both([pair], prefix=f"ep-{fingerprint(text)}", alt=node.get("alt", "")))


def visit_citation(self: HTML5Translator, node: nodes.citation) -> None:
    """Make the bibliography a list of list items, as screen readers expect."""
    start = len(self.body)
    HTML5Translator.visit_citation(self, node)
    self.body[start:] = [text.replace("doc-biblioentry", "listitem") for text in self.body[start:]]


def drop_widget_state(app: Sphinx, doctree: nodes.document) -> None:
    """Leave off the page what only a live kernel needs."""
    NbMetadataCollector.get_js_files(app.env, app.env.docname).pop("ipywidgets_state", None)


def depart_image(self: HTML5Translator, node: nodes.image) -> None:
    """Nothing is left to close."""


def lighten(app: Sphinx, exception: Exception | None) -> None:
    """Leave off the site what nobody asks for: the theme's icon script, maps, translations, fonts, images.

    `book.css` has the icons that the pages use; the script stays as an empty file, because pages name it.
    Sphinx copies every figure as a file too, while the pages have theirs inside.
    """
    static = Path(app.outdir) / "_static"
    if exception is not None or not static.exists():
        return
    if (script := static / "scripts" / "fontawesome.js").exists():
        script.write_text("", encoding="utf-8")
    for path in static.rglob("*.map"):
        path.unlink()
    shutil.rmtree(static / "locales", ignore_errors=True)
    for path in static.glob("*webpack-macros.html"):  # templates of the theme, for Sphinx
        path.unlink()
    for sheet in static.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        # Each browser that can read these pages takes the .woff2 beside the .ttf.
        if (lighter := UNUSED.sub("", TRUETYPE.sub("", text))) != text:
            sheet.write_text(lighter, encoding="utf-8")
            for name in TRUETYPE.findall(text) + UNUSED.findall(text):
                (sheet.parent / name).unlink(missing_ok=True)
    pages = "".join(page.read_text(encoding="utf-8") for page in Path(app.outdir).rglob("*.html"))
    for image in Path(app.outdir, "_images").glob("*"):
        if image.name not in pages:
            image.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    """Join the build."""
    app.connect("config-inited", configure)
    app.connect("builder-inited", copy_files)
    app.connect("builder-inited", teach_single_page)
    app.connect("doctree-read", drop_widget_state)
    app.connect("build-finished", lighten)
    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
    app.add_node(nodes.citation, override=True, html=(visit_citation, HTML5Translator.depart_citation))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
