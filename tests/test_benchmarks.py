"""The page of benchmarks shows the table that `make benchmarks` has written: all of it, and nothing else."""

import json
import re
import runpy
import sys

import pytest
from bs4 import BeautifulSoup
from built_book import ROOT

from tools import benchmarks as tool

sys.path.insert(0, str(ROOT / "web"))
import benchmark_tables as shown

ROWS = runpy.run_path(str(ROOT / "benchmarks" / "rows.py"))
PAGE = (ROOT / "book" / "benchmarks.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^```\{benchmark\} (\w+)$", PAGE, re.MULTILINE)
TWO = [
    {"case": {"width": 4}, "seconds": {"ours": 0.0002, "theirs": 0.003}, "also": {}},
    {"case": {"width": 16}, "seconds": {"ours": 0.0008, "theirs": None}, "also": {"left": "3 of 4"}},
]


def test_every_benchmark_is_measured_and_shown_once():
    assert sorted(SHOWN) == tool.names() == sorted(shown.table())
    assert {path.stem for path in (ROOT / "benchmarks").glob("*.py")} == {*tool.names(), "rows"}


@pytest.mark.parametrize("name", tool.names())
def test_an_entry_tells_when_where_with_what_and_its_file_what_of(name):
    entry = shown.table()[name]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry["date"])
    assert re.search(r"\d+ cores", entry["machine"])
    assert {"Python", "torch", "numpy"} <= set(entry["versions"])
    assert len(shown.about(name)) > 100
    assert all(seconds is None or seconds > 0 for row in entry["rows"] for seconds in row["seconds"].values())


def test_the_strongest_peers_are_measured_beside_ours():
    tools = {tool for name in SHOWN for row in shown.table()[name]["rows"] for tool in row["seconds"]}
    for peer in ("JAX", "jax.jit(hessian)", "torch.compile", "torch.func", "curvlinops", "torch.optim"):
        assert peer in tools


def test_a_dense_hessian_is_measured_or_said_not_to_fit():
    name = "torch.func, dense Hessian"
    rows = shown.table()["units"]["rows"]
    absent = [row for row in rows if row["seconds"][name] is None]
    assert len(absent) < len(rows)
    for row in absent:
        needed = 3 * 8 * row["case"]["parameters"] ** 2 / 1e9
        said, of = re.fullmatch(r"does not fit: (\d+) GB of (\d+)", row["also"][f"MB, {name}"]).groups()
        assert int(said) == round(needed)
        assert needed > int(of) - 1


def test_no_measured_number_is_typed():
    prose = re.sub(r"^```.*?^```", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"\d+(?:\.\d+)? ?(?:×|[mµn]?s\b|times|fold|%|seconds|minutes)", prose) == []


def test_rows_of_another_kind_are_a_table_of_their_own():
    proof = {"case": {"what": "proof"}, "seconds": {"inertia": 0.007}, "also": {}}
    assert shown.parts([*TWO, proof]) == [TWO, [proof]]
    text = shown.markdown("hessian", {"rows": [*TWO, proof], "date": "", "machine": "", "versions": {}})
    assert "| 16 | 800 µs | – | 3 of 4 |\n\n| what | inertia |" in text


def test_a_table_gives_our_time_and_the_others_as_multiples():
    assert shown.lines(TWO) == [
        ["width", "ours", "theirs", "left"],
        ["4", "200 µs", "15.0×", ""],
        ["16", "800 µs", "–", "3 of 4"],
    ]


@pytest.mark.parametrize(
    ("seconds", "words"), [(12.34, "12.3 s"), (0.5, "500 ms"), (3.2e-6, "3.20 µs"), (17e-9, "17.0 ns")]
)
def test_a_duration_has_three_digits_and_a_unit(seconds, words):
    assert shown.duration(seconds) == words


def test_growth_is_that_of_the_rows_that_differ_in_the_size_alone():
    rows = [
        {
            "case": {"kind": "a", "m": m},
            "seconds": {"ours": m**2.0, "few": 1.0 if m == 8 else None},
            "also": {},
        }
        for m in (8, 2, 4)
    ]
    other = {"case": {"kind": "b", "m": 3}, "seconds": {"ours": 1.0}, "also": {}}
    found = shown.series([other, *rows], "m")
    assert found == {"ours": [(2, 4.0), (4, 16.0), (8, 64.0)]}
    assert shown.power(found["ours"]) == pytest.approx(2)


def test_contestants_take_turns_and_the_best_counts():
    now, order, costs = [0.0], [], {"a": iter([9, 5, 4, 1, 7]), "b": iter([9, 3, 3, 8, 2])}

    def contestant(name):
        def call():
            order.append(name)
            now[0] += next(costs[name])

        return call

    tools = {name: contestant(name) for name in "ab"}
    best = ROWS["fastest"]({**tools, "absent": None}, rounds=3, clock=lambda: now[0])
    assert best == {"a": 1, "b": 2, "absent": None}
    assert "".join(order) == "aabb" + "ab" * 3


def test_measuring_one_keeps_the_others_and_drops_what_is_gone(monkeypatch, tmp_path):
    monkeypatch.setattr(tool, "TABLE", tmp_path / "table.json")
    kept, new = tool.names()[:2]
    tool.TABLE.write_text(json.dumps({kept: 1, "gone": 2}), encoding="utf-8")
    monkeypatch.setattr(tool, "measure", lambda name: name)
    tool.main([new])
    assert json.loads(tool.TABLE.read_text(encoding="utf-8")) == {kept: 1, new: new}
    with pytest.raises(SystemExit, match="no such benchmark: nothing"):
        tool.main(["nothing"])


@pytest.mark.site
def test_the_built_page_shows_every_cell_of_the_table(html):
    page = BeautifulSoup((html / "book" / "benchmarks.html").read_text(encoding="utf-8"), "html.parser")
    found = [
        [
            [" ".join(cell.text.split()) for cell in line.find_all(["th", "td"])]
            for line in table.find_all("tr")
        ]
        for table in page.select(".bd-article table")
    ]
    rows = [shown.table()[name]["rows"] for name in SHOWN]
    assert found == [shown.lines(part) for each in rows for part in shown.parts(each)]
