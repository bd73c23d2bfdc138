"""Figures as SVG inside the page: they follow its theme, and frames share what is equal."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree

import numpy as np
from matplotlib.collections import Collection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from epbook.page.lettering import letter
from epbook.page.style import INK, PAPER, themed

MANY = 3000  # marks of one artist beyond which pixels are lighter than vectors
PIXELS = 1.4  # of the page for a point of the figure: its 11.5 pt stand beside text of 17 pixels
SHAPES = ("path", "use", "polygon")
SHARED = 100  # characters from which an element is worth a reference instead of a copy

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_FILLED = re.compile(r"(^|[ ;])fill:")
_REFERENCE = re.compile(r"(?<=url\(#)[^)]+(?=\))")
_OPENING = '<svg xmlns="http://www.w3.org/2000/svg" '
_THEMED = themed()
ElementTree.register_namespace("", "http://www.w3.org/2000/svg")


def to_svg(figure: Figure) -> str:
    """Draw a figure as one SVG document; artists of very many marks become pixels inside it.

    Raises TypeError for anything that is not a matplotlib Figure, and whatever drawing raises.
    Changes no data of the figure, but marks heavy artists as rasterised. Source: matplotlib's SVG backend.

    >>> to_svg(Figure()).rstrip()[-6:]
    '</svg>'
    """
    if not isinstance(figure, Figure):
        raise TypeError(f"expected a matplotlib Figure, got {type(figure).__name__}")
    for artist in figure.findobj():
        if isinstance(artist, Line2D | Collection) and _marks(artist) > MANY:
            artist.set_rasterized(True)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def inline(documents: Sequence[str], *, prefix: str, alt: str, shown: int = 0, kind: str = "") -> str:
    """Merge SVG documents of one size into one <svg> element for the page; only one of them is shown.

    Ids are made anew with `prefix`, so that several stand on one page. Equal elements are stored once.
    Ink becomes `currentColor`, the book's other colours CSS variables. Coordinates keep 1/100 pt.

    documents: as `to_svg` gives them. prefix: letters, digits, '-'. alt: what one sees, in words.
    shown: index of the visible document. kind: one more class of the element.
    Returns <svg class="ep-svg">, each document in a <g class="ep-frame">. Raises ValueError where documents
    differ in size, where there is none, or where `shown` is not among them. Source: SVG 2.

    >>> inline([to_svg(Figure(figsize=(2, 1)))], prefix="a", alt="Nothing")[:50]
    '<svg xmlns="http://www.w3.org/2000/svg" role="img"'
    """
    if not 0 <= shown < len(documents):
        raise ValueError(f"shown must be one of {len(documents)} documents, got {shown!r}")
    roots = [ElementTree.fromstring(document) for document in documents]
    boxes = {root.get("viewBox", "") for root in roots}
    if len(boxes) > 1:
        raise ValueError(f"all frames must have one size, got the viewBoxes {sorted(boxes)}")
    library = _Library(prefix)
    frames = [library.frame(root) for root in roots]
    library.share(frames)
    _, _, width, height = boxes.pop().split()
    picture = ElementTree.Element(
        "svg", {"role": "img", "aria-label": alt, "class": f"ep-svg {kind}".strip()}
    )
    picture.set("viewBox", f"0 0 {width} {height}")
    picture.set("width", str(round(float(width) * PIXELS)))
    picture.set("height", str(round(float(height) * PIXELS)))
    # What matplotlib asks of every element with a style sheet that would reach the whole page.
    picture.set("style", "stroke-linejoin:round;stroke-linecap:butt")
    picture.set("fill", "currentColor")
    picture.append(library.definitions)
    for index, frame in enumerate(frames):
        frame.set("class", "ep-frame")
        if index != shown:
            frame.set("display", "none")
        picture.append(frame)
    return ElementTree.tostring(picture, encoding="unicode").replace("<svg ", _OPENING, 1)


class _Library:
    """Definitions that the frames of one picture share, under new short ids."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.definitions = ElementTree.Element("defs")
        self._names: dict[str, str] = {}  # content -> new id

    def frame(self, root: ElementTree.Element) -> ElementTree.Element:
        """One document as a <g>: its definitions moved to the library, references and colours rewritten."""
        frame = ElementTree.Element("g")
        frame.extend(child for child in root if child.tag != _SVG + "metadata")
        # What a colour map paints keeps its colours: there white is a value, not the page.
        painted = {each for map_ in frame.iter() if _is_map(map_) for each in map_.iter()}
        for element in frame.iter():
            element.tag = element.tag.removeprefix(_SVG)
            element.tail = None
            if element.tag not in ("text", "tspan"):
                element.text = None
            for key in ("d", "points", "x", "y", "width", "height"):
                if key in element.attrib and not (element.tag == "image" and key in ("width", "height")):
                    element.set(key, _shorten(element.attrib[key]))
            if element not in painted:
                if "style" in element.attrib:
                    element.set("style", _theme(element.attrib["style"]))
            elif element.tag in SHAPES and not _FILLED.search(element.get("style", "")):
                # Black is SVG's default, so matplotlib leaves it out; here it would become the page's ink.
                element.set("style", f"fill: #000000; {element.get('style', '')}")
            if element.tag == "image":
                element.set(_HREF, _quantise(element.attrib[_HREF]))
            if element.tag == "text":
                letter(element)
        renamed: dict[str, str] = {}
        for parent in list(frame.iter()):
            for child in [each for each in parent if each.tag == "path" and not each.get("d")]:
                parent.remove(child)  # matplotlib's contour at a level that the values nowhere have
            for child in [each for each in parent if each.tag == "defs"]:
                for definition in child:
                    if definition.tag != "style":
                        old = definition.attrib.pop("id")
                        renamed[old] = self._add(definition)
                parent.remove(child)
        for element in frame.iter():
            element.attrib.pop("id", None)
            target = element.attrib.pop(_HREF, None)
            if target is not None:
                element.set("href", f"#{renamed[target[1:]]}" if target.startswith("#") else target)
            for key, value in element.attrib.items():
                if "url(#" in value:
                    element.set(key, _REFERENCE.sub(lambda match: renamed[match.group()], value))
        return frame

    def share(self, frames: list[ElementTree.Element]) -> None:
        """Replace what stands in several frames by references to one copy, largest pieces first."""
        texts = {element: ElementTree.tostring(element, "unicode") for f in frames for element in f.iter()}
        seen = Counter(text for frame in frames for text in {texts[element] for element in frame.iter()})

        def visit(parent: ElementTree.Element) -> None:
            for index, child in enumerate(list(parent)):
                text = texts[child]
                if seen[text] > 1 and len(text) > SHARED:
                    parent[index] = ElementTree.Element("use", {"href": f"#{self._add(child)}"})
                else:
                    visit(child)

        for frame in frames:
            visit(frame)

    def _add(self, element: ElementTree.Element) -> str:
        content = ElementTree.tostring(element, "unicode")
        if content not in self._names:
            self._names[content] = f"{self.prefix}-{len(self._names):x}"
            element.set("id", self._names[content])
            self.definitions.append(element)
        return self._names[content]


def fingerprint(*texts: str) -> str:
    """Eight hexadecimal digits that stand for the texts: ids that are the same in every build.

    >>> fingerprint("a") == fingerprint("a") != fingerprint("b")
    True
    """
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:8]


def _marks(artist: Line2D | Collection) -> int:
    if isinstance(artist, QuadMesh):
        values = artist.get_array()
        return 0 if values is None else values.size
    if isinstance(artist, Line2D):  # a plain line is simplified by matplotlib, markers are not
        return np.size(artist.get_xdata()) if artist.get_marker() not in ("None", "", None) else 0
    paths = len(artist.get_paths())
    return len(np.asarray(artist.get_offsets())) if paths == 1 else paths


def _is_map(element: ElementTree.Element) -> bool:
    return element.get("id", "").startswith(("QuadContourSet", "QuadMesh", "PolyQuadMesh"))


def _shorten(text: str) -> str:
    def rounded(match: re.Match) -> str:
        return f"{float(match.group()):.2f}".rstrip("0").rstrip(".").replace("-0.", "-.")

    return re.sub(r" ?([A-Za-z]) ?", r"\1", " ".join(_NUMBER.sub(rounded, text).split()))


def _theme(style: str) -> str:
    def variable(match: re.Match) -> str:
        colour = match.group()
        if colour in (INK, "#000000"):
            return "currentColor"
        if colour == PAPER:
            return f"var(--ep-paper,{PAPER})"
        return f"var(--ep-{colour[1:]},{colour})" if colour in _THEMED else colour

    return _COLOUR.sub(variable, style).replace("; ", ";").replace(": ", ":")


def _quantise(uri: str) -> str:
    """A PNG data URI with at most 256 colours, where that is smaller."""
    head, _, data = uri.partition("base64,")
    raw = base64.b64decode(data)
    image = Image.open(io.BytesIO(raw)).convert("RGBA")
    buffer = io.BytesIO()
    image.quantize(256, method=Image.Quantize.FASTOCTREE).save(buffer, "PNG", optimize=True)
    smaller = min(raw, buffer.getvalue(), key=len)
    return f"{head}base64,{base64.b64encode(smaller).decode()}"
