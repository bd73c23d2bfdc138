"""`make book` builds when something was edited, added or removed, and only then."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def builds(tmp_path):
    """The number of builds so far, after `make book` on a book whose builder only counts."""
    sources = ("epbook/__init__.py", "epbook/helper.py", "book/page.md", "tools/tool.py", "web/look.css")
    for name in (*sources, "benchmarks/table.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in ("_config.yml", "_toc.yml", "requirements.txt", "pyproject.toml"):
        (tmp_path / name).touch()
    builder = tmp_path / ".venv" / "bin" / "jupyter-book"
    builder.parent.mkdir(parents=True)
    builder.write_text("#!/bin/sh\nmkdir -p _build/html\necho build >>runs.txt\n")
    builder.chmod(0o755)
    (tmp_path / ".venv" / ".installed").touch()
    shutil.copy(ROOT / "Makefile", tmp_path)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}

    def count():
        subprocess.run(["make", "--silent", "book"], cwd=tmp_path, env=plain, check=True)
        return (tmp_path / "runs.txt").read_text().count("build")

    return count


@pytest.mark.parametrize("change", ["edited", "added", "removed", "renamed"])
def test_a_change_of_the_code_makes_the_book_anew_once(builds, tmp_path, change):
    assert (builds(), builds()) == (1, 1)
    helper = tmp_path / "epbook" / "helper.py"
    if change == "edited":
        later = (tmp_path / "_build" / "html" / ".built").stat().st_mtime + 1
        os.utime(helper, (later, later))
    elif change == "added":
        (helper.parent / "other.py").touch()
    elif change == "removed":
        helper.unlink()
    else:
        helper.rename(helper.with_name("other.py"))
    assert builds() == 2
    if change != "edited":  # an edit from the future stays newer than the build
        assert builds() == 2
