"""What the reference has: its rooms and the sections on them, its entries, and what words of a page mean."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any

FOLDER = "book/api/"
# Rooms with a page of their own, in the order of the book, each with the section on its subject.
ROOMS = {
    "networks": "training",
    "given": "own-network",
    "activations": "own-network",
    "losses": "own-network",
    "data": "training",
    "training": "training",
    "neurons": "reduction",
    "critical": "critical-points",
    "embedding": "embedding",
    "embedding.plan": "embedding",
    "reduction": "reduction",
    "units": "units",
    "atlas": "atlas",
    "growing": "growing",
    "page": "intro",
    "lab": "laboratory",
}
# Entries with another subject than their room.
SUBJECTS = {"epbook.data.download_mnist": "reduction", "epbook.given.refuse_kinks": "critical-points"}


def entries() -> dict[str, Any]:
    """Classes and functions of the reference by their full name, `epbook.training.train_many`."""
    found = {}
    for room in ROOMS:
        module = importlib.import_module(f"epbook.{room}")
        for name in getattr(module, "__all__", [name for name in vars(module) if name[0] != "_"]):
            thing = getattr(module, name)
            if callable(thing) and getattr(thing, "__module__", "").startswith(module.__name__):
                found[f"epbook.{room}.{name}"] = thing
    return found


def page_of(name: str) -> str:
    return FOLDER + name.split(".")[-2]


def resolve(words: str) -> str | None:
    """The entry that a page means by `ep.<words>`; None where it has none in the reference."""
    thing: Any = importlib.import_module("epbook")
    for word in words.removesuffix("()").split("."):
        thing = getattr(thing, word, None)
    return next((name for name, each in entries().items() if each is thing), None)


def makers(name: str) -> list[str]:
    """The functions of the reference from which a class comes, as what they return or a part of that."""
    found = entries()
    if not inspect.isclass(found[name]):
        return []
    room = name.rsplit(".", 1)[0]
    holders = [found[name]] + [
        thing
        for each, thing in found.items()
        if inspect.isclass(thing) and each.startswith(f"{room}.") and _names(_annotations(thing), found[name])
    ]
    functions = [
        each
        for holder in holders
        for each, thing in found.items()
        if inspect.isfunction(thing) and _names([thing.__annotations__["return"]], holder)
    ]
    return sorted(dict.fromkeys(functions), key=lambda each: not each.startswith(f"{room}."))


def _annotations(kind: type) -> Iterator[Any]:
    """The types of a class's fields, and of what its properties and methods return."""
    yield from inspect.get_annotations(kind).values()
    for part in vars(kind).values():
        function = getattr(part, "fget", None) or getattr(part, "func", None) or part
        yield getattr(function, "__annotations__", {}).get("return", "")


def _names(annotations: Iterable[Any], kind: type) -> bool:
    return any(re.search(rf"\b{kind.__name__}\b", str(each)) for each in annotations)
