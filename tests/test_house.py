"""The rules of the house that a reader relies on: one way for imports, documented names, exact pins."""

import ast
import dataclasses
import importlib
import inspect
import re
import statistics
from pathlib import Path

import pytest
import tomllib
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from epbook.results import Result

ROOT = Path(__file__).parents[1]
# Each may import those before it. `glue` and `claims` belong to the notebooks and import nothing of ours.
ORDER = [
    "checks",
    "results",
    "extras",
    "data",
    "activations",
    "losses",
    "networks",
    "given",
    "progress",
    "store",
    "neurons",
    "training",
    "critical",
    "embedding",
    "reduction",
    "units",
    "atlas",
    "growing",
    "page",
    "figures",
    "lab",
]
MODULES = sorted((ROOT / "epbook").glob("*/**/*.py")) + sorted((ROOT / "epbook").glob("[!_]*.py"))
OTHERS = sorted(path for folder in ("tests", "tools", "benchmarks") for path in (ROOT / folder).rglob("*.py"))


def public(room):
    """The classes and functions of a room that are its own and public, by name."""
    module = importlib.import_module(f"epbook.{room}")
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    found = {name: getattr(module, name) for name in names}
    ours = {
        name: thing for name, thing in found.items() if inspect.isclass(thing) or inspect.isfunction(thing)
    }
    return {name: thing for name, thing in ours.items() if thing.__module__.startswith(f"epbook.{room}")}


PUBLIC = {
    f"{room}.{name}": thing
    for room in [*ORDER, "embedding.plan"]  # `ep.plan`
    for name, thing in public(room).items()
}


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
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES + OTHERS}
    assert [str(path.relative_to(ROOT)) for path in lines if lines[path] > 250] == []
    assert statistics.median(lines[path] for path in MODULES) < 110


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_public_is_documented_with_a_source_and_functions_with_an_example(name):
    text = inspect.cleandoc(vars(PUBLIC[name]).get("__doc__") or PUBLIC[name].__doc__ or "")
    assert text, f"{name} has no docstring"
    assert len(text.splitlines()[0]) <= 110
    assert ">>>" in text or inspect.isclass(PUBLIC[name]), f"{name} has no example"
    assert re.search(r"[Ss]ource|[Ss]ection|[Tt]heorem|[Ff]igure", text), f"{name} names no source"


@pytest.mark.parametrize("name", PUBLIC)
def test_what_holds_arrays_or_networks_compares_by_value(name):
    thing = PUBLIC[name]
    if not dataclasses.is_dataclass(thing):
        return
    kinds = " ".join(str(field.type) for field in dataclasses.fields(thing))
    if re.search(r"Tensor|NDArray|ndarray|Sequential|Module|Layer|Mapping|dict", kinds):
        assert issubclass(thing, Result)


def test_only_what_numba_compiles_has_no_types():
    with (ROOT / "pyproject.toml").open("rb") as file:
        overrides = tomllib.load(file)["tool"]["mypy"]["overrides"]
    for name in (name for each in overrides if each.get("ignore_errors") for name in each["module"]):
        text = (ROOT / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")
        assert "njit" in text, name


def test_pins_are_exact_each_named_once_and_meet_the_lower_bounds_of_the_package():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    names = [canonicalize_name(name) for name, _ in pins]
    assert len(set(names)) == len(names)
    versions = dict(zip(names, (version for _, version in pins), strict=True))
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    offered = project["optional-dependencies"]
    bounds = [
        *project["dependencies"],
        *(bound for name in offered if name != "benchmarks" for bound in offered[name]),
    ]
    for bound in map(Requirement, bounds):
        if bound.name != project["name"]:  # an extra may name others
            assert bound.specifier.contains(versions[canonicalize_name(bound.name)]), bound
