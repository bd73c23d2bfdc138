"""The Chinese characters of the book as a small web font, web/chinese.woff, for machines that have none.

    apt-get download fonts-noto-cjk && dpkg-deb -x fonts-noto-cjk*.deb noto
    python tools/chinese_font.py noto/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc

Run it again when a page uses a character that the font lacks: a test says so. The font is under the SIL
Open Font License 1.1, whose text lies beside it.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont

ROOT = Path(__file__).parents[1]
FONT = ROOT / "web" / "chinese.woff"
FACE = "Noto Sans CJK SC"  # simplified Chinese, of the faces in the collection
# CJK ideographs and the marks that stand among them.
CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")


def used(root: Path) -> str:
    """The Chinese characters in the pages, their figures and the bibliography, sorted."""
    files = [
        path
        for folder in ("book", "epbook", "web")
        for path in (root / folder).rglob("*")
        if path.suffix in {".md", ".ipynb", ".bib", ".py", ".js", ".html"}
    ]
    return "".join(sorted({c for path in files for c in CHINESE.findall(path.read_text(encoding="utf-8"))}))


def held(font: Path) -> str:
    """The characters of a font, sorted."""
    return "".join(map(chr, sorted(TTFont(font).getBestCmap())))


def main() -> None:
    """Cut the font down to what the book uses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("collection", type=Path)
    faces = TTCollection(parser.parse_args().collection)
    (face,) = (font for font in faces if font["name"].getDebugName(1) == FACE)
    options = Options()
    options.layout_features, options.hinting, options.flavor = [], False, "woff"
    options.name_IDs = [0, 1, 2, 13, 14]  # whose it is, and its licence
    subsetter = Subsetter(options)
    subsetter.populate(text=used(ROOT))
    subsetter.subset(face)
    face.flavor = "woff"
    face.save(FONT)
    print(f"{FONT.relative_to(ROOT)}: {len(held(FONT))} characters, {FONT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
