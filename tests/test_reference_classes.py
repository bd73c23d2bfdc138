"""The reference of classes: each is shown in an example, its methods and properties say what comes back."""

import inspect
import sys

import pytest
from built_book import ROOT
from doc_shapes import ARRAYS, SHAPE
from test_house import PUBLIC
from torch import Tensor

sys.path.insert(0, str(ROOT / "web"))
import api_entries

CLASSES = {name: thing for name, thing in api_entries.entries().items() if inspect.isclass(thing)}


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_shows_an_example_or_comes_from_functions_that_do(name):
    assert ">>>" in (inspect.getdoc(CLASSES[name]) or "") or api_entries.makers(name)


def parts(kind):
    """The public methods and properties that a class defines, as functions."""
    for name, part in vars(kind).items():
        part = getattr(part, "fget", None) or getattr(part, "func", None) or getattr(part, "__func__", part)
        if inspect.isfunction(part) and not name.startswith("_"):
            yield name, part


def said(kind, name):
    """The docstring of a method, of the class or of one of ours that it is derived from."""
    ours = [each for each in kind.__mro__ if each.__module__.startswith("epbook.")]
    return next((text for each in ours if (text := getattr(vars(each).get(name), "__doc__", None))), "")


PARTS = {
    f"{each}.{name}": (kind, part)
    for each, kind in PUBLIC.items()
    if inspect.isclass(kind)
    for name, part in parts(kind)
}


def lacks(kind, function):
    """What a reader of the reference would miss."""
    text = said(kind, function.__name__)
    arrays = any(ARRAYS.search(str(each)) for each in function.__annotations__.values())
    return ["docstring"] * (not text) + ["shapes"] * (arrays and not SHAPE.search(text))


def test_methods_and_properties_say_what_comes_back_and_of_which_shape():
    assert len(PARTS) > 130
    found = {name: lacks(kind, function) for name, (kind, function) in PARTS.items()}
    assert {name: missing for name, missing in found.items() if missing} == {}


def test_the_count_of_methods_sees_what_is_missing():
    class Kind:
        __module__ = "epbook.of_a_test"

        @property
        def length(self) -> int:
            return 1

        @property
        def values(self) -> Tensor:
            """All values."""

        def of(self, x: Tensor) -> Tensor:
            """x: (n, d). Returns (n,)."""

    assert [lacks(Kind, function) for _, function in parts(Kind)] == [["docstring"], ["shapes"], []]

    class Derived(Kind):
        __module__ = "epbook.of_a_test"

        def of(self, x: Tensor) -> Tensor: ...

    assert [lacks(Derived, function) for _, function in parts(Derived)] == [[]]
