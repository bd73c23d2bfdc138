"""Mutants: small wrong changes to the package, each of which the tests of its module must notice.

python tools/mutants.py            all of tools/mutants.toml
python tools/mutants.py inertia    those whose file or description contains a word

Every mutant is made in a temporary copy of the tree, where only the tests that it names run. One that
survives is a rule without a test: write the test or take the rule out. Exits with 1 where one survives, with
2 where a mutant cannot be judged: its text is not in the file exactly once, or the tests fail without it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import tomllib

ROOT = Path(__file__).parents[1]
LIST = Path(__file__).with_suffix(".toml")
COPIED = ("epbook", "tests", "tools", "conftest.py", "pyproject.toml", "_toc.yml", "_config.yml")
LONGEST = 900  # seconds of tests; a mutant that never ends is noticed too
# The plugins of the whole project take longer to load than most of the tests take to run.
NO_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
HYPOTHESIS = ("-p", "_hypothesis_pytestplugin")


class Mutant(NamedTuple):
    """In `file`, the text `old` becomes `new`: what goes wrong by it, and the tests that must see it."""

    what: str
    file: str
    old: str
    new: str
    tests: list[str]

    def applied(self, root: Path) -> str:
        """The mutated source; ValueError where the text to change is not there exactly once."""
        source = (root / self.file).read_text(encoding="utf-8")
        if source.count(self.old) != 1 or self.old == self.new:
            found = f"{source.count(self.old)} times" if self.old != self.new else "unchanged"
            raise ValueError(f"{self.file}: the text of the mutant {self.what!r} is there {found}")
        return source.replace(self.old, self.new)


class Outcome(NamedTuple):
    """'killed', 'survived' or 'broken', the test that failed first, and the seconds it took."""

    verdict: str
    by: str
    seconds: float


def mutants(path: Path = LIST) -> list[Mutant]:
    """The list, in its order."""
    return [Mutant(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]]


def run(root: Path, tests: list[str], mutant: Mutant | None = None) -> Outcome:
    """Run tests until the first failure, in a copy of the tree, mutated where a mutant is given."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder)
        for name in COPIED:
            if (root / name).is_dir():
                shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            elif (root / name).exists():
                shutil.copy(root / name, copy / name)
        if mutant is not None:
            (copy / mutant.file).write_text(mutant.applied(root), encoding="utf-8")
        options = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", *HYPOTHESIS]
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *options, *tests],
                cwd=copy,
                env=os.environ | {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"} | NO_PLUGINS,
                capture_output=True,
                text=True,
                timeout=LONGEST,
            )
        except subprocess.TimeoutExpired:
            return Outcome("killed", f"did not end within {LONGEST} s", time.monotonic() - begin)
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    verdict = {0: "survived", 1: "killed"}.get(done.returncode, "broken")
    said = failed[0] if failed else "" if verdict == "survived" else (done.stdout + done.stderr)[-400:]
    return Outcome(verdict, said, time.monotonic() - begin)


def judge(root: Path, chosen: list[Mutant], jobs: int = 2) -> int:
    """Judge the mutants, print a line for each, and return the exit code."""
    for mutant in chosen:
        mutant.applied(root)
    begin = time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        # Each set of tests by itself, so that the time of one is bounded as it is with a mutant.
        unlike = sorted({tuple(mutant.tests) for mutant in chosen})
        plain = list(pool.map(lambda tests: run(root, list(tests)), unlike))
    red = [each.by for each in plain if each.verdict != "survived"]
    if red:
        print("without any mutant the tests fail:", *red)
        return 2
    print(f"without a mutant the tests pass ({time.monotonic() - begin:.0f} s)", flush=True)
    verdicts = []
    with ThreadPoolExecutor(jobs) as pool:
        outcomes = pool.map(lambda mutant: run(root, mutant.tests, mutant), chosen)
        for mutant, outcome in zip(chosen, outcomes, strict=True):
            verdicts.append(outcome.verdict)
            shown = outcome.verdict if outcome.verdict == "killed" else outcome.verdict.upper()
            print(
                f"{shown:8s} {outcome.seconds:5.0f} s  {mutant.file}: {mutant.what}  {outcome.by}", flush=True
            )
    print(", ".join(f"{verdicts.count(word)} {word}" for word in ("killed", "survived", "broken")))
    return 2 if "broken" in verdicts else int("survived" in verdicts)


def main() -> int:
    """Judge the mutants that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("word", nargs="?", default="", help="only mutants whose file or text contains this")
    parser.add_argument("--jobs", type=int, default=2, help="how many run at once")
    given = parser.parse_args()
    chosen = [mutant for mutant in mutants() if given.word in f"{mutant.file} {mutant.what}"]
    if not chosen:
        parser.error(f"no mutant has {given.word!r} in its file or description")
    try:
        return judge(ROOT, chosen, given.jobs)
    except ValueError as error:
        print(error)
        return 2


if __name__ == "__main__":
    sys.exit(main())
