"""`python -m epbook`: which version this is, what it can do, and which of its extras are installed."""

from __future__ import annotations

import inspect
import platform
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import epbook
from epbook.extras import EXTRAS

# Those of the reference, in its order.
ROOMS = (
    "networks",
    "given",
    "activations",
    "losses",
    "data",
    "training",
    "neurons",
    "critical",
    "embedding",
    "embedding.plan",
    "reduction",
    "units",
    "atlas",
    "growing",
    "page",
    "lab",
)


def main() -> None:
    """Print it."""
    print(f"epbook {epbook.__version__}: the embedding principle of neural-network loss landscapes, as code")
    print(f"Python {platform.python_version()}, {', '.join(map(_installed, ('torch', 'numpy', 'numba')))}")
    for name in ROOMS:
        try:
            room = import_module(f"epbook.{name}")
        except ImportError as lacking:
            print(f"\nepbook.{name}: {lacking}")
            continue
        print(f"\nepbook.{name}: {_first_line(room)}")
        for each in sorted(getattr(room, "__all__", vars(room))):
            thing = getattr(room, each)
            if inspect.isfunction(thing) and thing.__module__.startswith(room.__name__) and each[0] != "_":
                print(f"  {each:22}{_first_line(thing)}")
    print("\nExtras:")
    for extra, (packages, purpose) in EXTRAS.items():
        missing = [package for package in packages if find_spec(package) is None]
        state = f"missing: pip install 'epbook[{extra}]'" if missing else "installed"
        print(f"  {extra:22}{purpose}; {state}")


def _installed(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} (of unknown version)"


def _first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").split("\n")[0].rstrip(".")


if __name__ == "__main__":
    main()
