"""What needs an optional package says which extra brings it; what needs none runs without any."""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomllib
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from epbook.__main__ import ROOMS
from epbook.extras import EXTRAS
from epbook.page import explore, subplots

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OPTIONAL = sorted({package for packages, _ in EXTRAS.values() for package in packages})
LIGHT = {"torch", "numpy", "scipy", "numba", "llvmlite", "joblib", "tqdm"}  # llvmlite is numba's own
# These rooms ask for their extra in their __init__, which runs before any of their modules does.
GUARDED = {"page": "figures", "figures": "figures", "lab": "figures"}
DISTRIBUTION = {
    "sklearn": "scikit-learn",
    "flint": "python-flint",
    "PIL": "matplotlib",
    "cycler": "matplotlib",
    "distributed": "dask",
}


def without_extras(code):
    """What `code` prints, or the last line of its error, in a Python without the optional packages."""
    block = f"""
import sys, importlib.abc
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {set(OPTIONAL)}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
"""
    child = subprocess.run(
        [sys.executable, "-c", block + code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return (child.stdout.strip() + child.stderr.strip()).splitlines()[-1]


@pytest.mark.parametrize(
    ("code", "extra"),
    [
        ("import epbook as ep; ep.figures", "figures"),
        ("import epbook as ep; ep.explore", "figures"),
        ("from epbook.page.axis import Axis", "figures"),
        ("import epbook as ep; ep.data.iris()", "data"),
        ("import epbook as ep; ep.data.mnist()", "data"),
        ("import epbook as ep, numpy as np; ep.inertia(np.eye(2), certified=True)", "certify"),
    ],
)
def test_what_is_missing_is_named_with_the_line_to_type(code, extra):
    told = without_extras(code)
    assert told.startswith("ImportError: this needs "), told
    assert told.endswith(f"pip install 'epbook[{extra}]'")


def test_the_readme_needs_no_extra():
    code = """
import doctest
print(doctest.testfile("README.md", module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE))
"""
    told = without_extras(code)
    assert told.startswith("TestResults(failed=0, attempted=")
    assert int(told.split("attempted=")[1].strip(")")) > 5


def test_a_figure_with_sliders_does_without_widgets(monkeypatch):
    def draw(a):
        """A line of slope a."""
        figure, axes = subplots(figsize=(2, 1))
        axes.plot([0, 1], [0, a])
        return figure

    explorer = explore(draw, a=[0.0, 1.0])
    module = importlib.import_module("epbook.page.explore")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert set(explorer._repr_mimebundle_()) == {"text/plain", "text/html"}
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.delitem(sys.modules, "epbook.page.live", raising=False)
    with pytest.raises(ImportError, match=r"epbook\[sliders\]"):
        explorer.widget()


def imports(tree, extra=None):
    """(package, extra) of every import that runs: the extra is that of the `with needs(...)` around it."""
    for node in ast.iter_child_nodes(tree):
        inner = extra
        if isinstance(node, ast.Try) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        ):
            continue
        if isinstance(node, ast.With):
            for item in node.items:
                call = item.context_expr
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "needs":
                    inner = ast.literal_eval(call.args[0])
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], extra) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0], extra
        yield from imports(node, inner)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "epbook").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_every_import_is_a_dependency_or_is_guarded_by_its_extra(path):
    room = path.relative_to(ROOT / "epbook").parts[0]
    for package, extra in imports(ast.parse(path.read_text(encoding="utf-8"))):
        if package in LIGHT or package in sys.stdlib_module_names or package in ("epbook", "__future__"):
            continue
        if room == "page" and path.name == "live.py" and package == "ipywidgets":
            continue  # imported by explore.py, which guards it
        brought = [name for name, (packages, _) in EXTRAS.items() if package in packages]
        assert (extra or GUARDED.get(room)) in brought, f"{path.name} imports {package} outside `needs`"


def test_the_extras_are_those_of_the_package_and_bring_what_they_say():
    offered = PROJECT["optional-dependencies"]
    for extra, (packages, _) in EXTRAS.items():
        brought = {canonicalize_name(Requirement(each).name) for each in offered[extra]}
        for package in packages:
            assert canonicalize_name(DISTRIBUTION.get(package, package)) in brought, (extra, package)
    dependencies = {canonicalize_name(Requirement(each).name) for each in PROJECT["dependencies"]}
    assert dependencies == LIGHT - {"llvmlite"}


def told_by_the_package(missing=()):
    """What `python -m epbook` prints where these packages are not installed."""
    run = "runpy.run_module('epbook', run_name='__main__')"
    code = f"import runpy, sys; sys.modules.update(dict.fromkeys({[*missing]})); {run}"
    child = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    return child.stdout


def test_the_package_tells_what_it_is():
    reference = re.findall(r"- file: book/api/([a-z_]+)$", (ROOT / "_toc.yml").read_text(), re.MULTILINE)
    assert [room.split(".")[-1] for room in ROOMS] == [name for name in reference if name != "index"]
    told = told_by_the_package()
    assert told.startswith("epbook ")
    for name in (
        "find_critical ",
        "split ",
        "reduce ",
        "features ",
        "grow ",
        "explore ",
        "laboratory ",
        *EXTRAS,
    ):
        assert f"  {name}" in told
    assert "missing" not in told


def test_a_room_that_lacks_its_extra_is_told_with_the_line_to_type():
    told = told_by_the_package(OPTIONAL)
    for room in ("page", "lab"):
        (line,) = (
            line for line in told.splitlines() if line.startswith(f"epbook.{room}: this needs matplotlib")
        )
        assert line.endswith("pip install 'epbook[figures]'")
    assert told.count("missing: pip install") == len(EXTRAS)
    assert "  grow " in told
