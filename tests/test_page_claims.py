"""The tables of claims that the pages store: sources apart, and no bound made to pass."""

import json
import re

import pytest
from page_words import PAGES, ROOT

ROW = re.compile(
    r"^\d+\. (?P<text>.*)\n(?:   textbook: (?P<textbook>.*)\n)?(?:   here:     (?P<here>.*)\n)?"
    r"   verdict:  (?P<verdict>.*)(?:\n   why:      (?P<why>.*))?$",
    re.M,
)
ONE_SIDED = re.compile(r"at (most|least)|[≤≥<>]|(more|less|fewer) than|up to")


def tables(name):
    """The rows of the tables that a page stores, each a dict of words."""
    page = ROOT / f"{name}.ipynb"
    cells = json.loads(page.read_text(encoding="utf-8"))["cells"] if page.exists() else []
    shown = [
        "".join(out.get("data", {}).get("text/plain", "")) for c in cells for out in c.get("outputs", [])
    ]
    text = "\n".join(plain for plain in shown if "verdict:  " in plain)
    rows = [match.groupdict() for match in ROW.finditer(text)]
    assert len(rows) == text.count("verdict:  ")
    return rows


@pytest.mark.parametrize("name", [name for name in PAGES if tables(name)])
def test_the_textbooks_numbers_are_not_met_by_a_bound_from_one_side(name):
    same = [row for row in tables(name) if row["verdict"] == "same" and re.search(r"\d", row["textbook"])]
    assert [row for row in same if ONE_SIDED.search(row["here"])] == []


@pytest.mark.parametrize("name", [name for name in PAGES if tables(name)])
def test_whatever_is_not_the_same_says_why(name):
    rows = tables(name)
    assert {row["verdict"] for row in rows} <= {"same", "differs", "not tested", "holds", "does not hold"}
    assert [row for row in rows if row["verdict"] not in ("same", "holds") and not row["why"]] == []


def test_the_reading_of_a_bound():
    assert ONE_SIDED.search("at most 58: 5 of 5")
    assert not ONE_SIDED.search("within one point of it: 5 of 5")
