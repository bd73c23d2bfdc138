"""The tool that makes mutants tells killed from survived, and its list fits the code as it stands."""

import sys

import pytest

from tools.mutants import ROOT, Mutant, judge, mutants

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="tools read TOML")


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: f"{mutant.file}: {mutant.what}")
def test_every_mutant_changes_one_place_of_the_code(mutant):
    assert mutant.applied(ROOT) != (ROOT / mutant.file).read_text(encoding="utf-8")
    assert all((ROOT / test.partition("::")[0]).is_file() for test in mutant.tests)


def test_no_mutant_is_there_twice():
    assert len({(mutant.file, mutant.old, mutant.new) for mutant in mutants()}) == len(mutants())


@pytest.fixture
def tree(tmp_path):
    """A package of one function, one good test and one that sees nothing."""
    (tmp_path / "epbook").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "epbook" / "area.py").write_text("def area(a, b):\n    return a * b\n")
    use = "from epbook.area import area\n\n\ndef test_it():\n    "
    (tmp_path / "tests" / "test_good.py").write_text(use + "assert area(2, 3) == 6\n")
    (tmp_path / "tests" / "test_blind.py").write_text(use + "assert area(2, 2) == 4\n")
    (tmp_path / "tests" / "test_red.py").write_text(use + "assert area(2, 2) == 5\n")
    return tmp_path


def mutant(test, old="a * b", new="a + b"):
    return Mutant("the area is a sum", "epbook/area.py", old, new, [f"tests/{test}.py"])


def test_killed_and_survived(tree, capsys):
    assert judge(tree, [mutant("test_good"), mutant("test_blind")]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[-3].startswith("killed")
    assert said[-3].endswith("tests/test_good.py::test_it")
    assert said[-2].startswith("SURVIVED")
    assert said[-1] == "1 killed, 1 survived, 0 broken"
    assert (tree / "epbook" / "area.py").read_text().count("a * b") == 1  # the tree itself is left alone


def test_what_cannot_be_judged(tree, capsys):
    assert judge(tree, [mutant("test_red")]) == 2
    assert "without any mutant the tests fail: tests/test_red.py::test_it" in capsys.readouterr().out
    assert judge(tree, [mutant("test_good", new="a *")]) == 2  # no Python: that kills nothing
    for old in ("a - b", "a"):
        with pytest.raises(ValueError, match="the text of the mutant 'the area is a sum' is there"):
            judge(tree, [mutant("test_good", old=old)])
