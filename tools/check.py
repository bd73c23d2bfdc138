"""`make lint` and `make test`: every stage runs, whatever became of those before it.

python -m tools.check lint      # the form of code and notebooks, and the types
python -m tools.check test      # that, the book, the unit tests, and the built pages
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tools.stages import Stage, run

ROOT = Path(__file__).resolve().parents[1]
PYTEST = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "--continue-on-collection-errors"]


def lint() -> list[Stage]:
    """What is seen without running anything of the book."""
    python = [sys.executable, "-m"]
    return [
        Stage("ruff check", [*python, "ruff", "check", "."]),
        Stage("ruff format", [*python, "ruff", "format", "--check", "."]),
        Stage("form of the notebooks", [*python, "tools.normalise_notebooks", "--check"]),
        Stage("mypy", [*python, "mypy"]),
        *(
            Stage(
                f"form of {what}",
                [*python, "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files],
            )
            for what, schema, files in forms()
        ),
        Stage("rights of the workflows", [tool("zizmor"), "--offline", "--no-progress", "--quiet", "."]),
    ]


def forms() -> list[tuple[str, str, list[str]]]:
    """Files that other places read, and would not tell us of a mistake: (what, its schema, the files)."""
    at = [
        ("workflows", "github-workflows", ".github/workflows/*.yml"),
        ("issue templates", "github-issue-forms", ".github/ISSUE_TEMPLATE/[!c]*.yml"),
        ("the choice of issues", "github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("dependabot.yml", "dependabot", ".github/dependabot.yml"),
        ("CITATION.cff", "citation-file-format", "CITATION.cff"),
    ]
    return [(what, schema, sorted(map(str, ROOT.glob(pattern)))) for what, schema, pattern in at]


def tool(name: str) -> str:
    """The path of a program of this environment."""
    return str(Path(sys.executable).with_name(name))


def test() -> list[Stage]:
    """Everything that the README promises, the cheap things first."""
    return [
        *lint(),
        Stage("book", ["make", "--no-print-directory", "book"]),
        Stage("unit tests", [*PYTEST, "-m", "not site", "--cov"]),
        Stage("chromium", ["make", "--no-print-directory", "chromium"]),
        Stage("pages", [*PYTEST, "-m", "site", "tests"], needs=("book", "chromium")),
    ]


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(run({"lint": lint, "test": test}[sys.argv[1]]()))
