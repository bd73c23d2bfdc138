"""The rules of the house that a reader relies on: one way for imports, documented names, exact pins."""

import ast
import inspect
import re
import statistics
from pathlib import Path

import pytest
import tomllib
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import epbook as ep

ROOT = Path(__file__).parents[1]
# Each may import those before it. `glue` and `claims` belong to the notebooks and import nothing of ours.
ORDER = [
    "checks",
    "data",
    "activations",
    "losses",
    "networks",
    "results",
    "given",
    "progress",
    "store",
    "neurons",
    "training",
    "critical",
    "embedding",
    "reduction",
    "page",
    "figures",
]
MODULES = sorted((ROOT / "epbook").glob("*/**/*.py")) + sorted((ROOT / "epbook").glob("[!_]*.py"))
FUNCTIONS = [name for name in ep.__all__ if inspect.isfunction(getattr(ep, name))]


def part(path):
    return path.relative_to(ROOT / "epbook").with_suffix("").parts[0]


def imported(path):
    """The parts of epbook that a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "epbook":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("epbook."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("epbook."))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path):
    rank = ORDER.index(part(path))
    assert [name for name in imported(path) if ORDER.index(name) > rank] == []


def test_a_file_has_one_subject():
    lines = [len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES]
    assert max(lines) <= 250
    assert statistics.median(lines) < 110


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_functions_are_documented_with_an_example_and_a_source(name):
    text = inspect.getdoc(getattr(ep, name)) or ""
    assert len(text.splitlines()[0]) <= 110
    assert ">>>" in text, f"{name} has no example"
    assert re.search(r"[Ss]ource|[Ss]ection|[Tt]heorem|[Ff]igure", text), f"{name} names no source"


def test_pins_are_exact_each_named_once_and_meet_the_lower_bounds_of_the_package():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    names = [canonicalize_name(name) for name, _ in pins]
    assert len(set(names)) == len(names)
    versions = dict(zip(names, (version for _, version in pins), strict=True))
    with (ROOT / "pyproject.toml").open("rb") as file:
        bounds = tomllib.load(file)["project"]["dependencies"]
    for bound in map(Requirement, bounds):
        assert bound.specifier.contains(versions[canonicalize_name(bound.name)]), bound
