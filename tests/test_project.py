"""The files by which others find, join, launch and cite this project say the same, and name what exists."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tomllib
import yaml

from tools.normalise_notebooks import first_cell

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
ADDRESS = CONFIG["repository"]["url"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_one_address_is_the_same_everywhere():
    for name in ("pyproject.toml", "CITATION.cff", "README.md", "CONTRIBUTING.md", "book/intro.ipynb"):
        found = set(re.findall(r"https://github\.com/[\w.-]+/[\w.-]+", text(name)))
        assert found <= {ADDRESS}, name
    owner, repository = ADDRESS.removeprefix("https://github.com/").split("/")
    site = f"https://{owner}.github.io/{repository}/"
    for name in ("pyproject.toml", "CITATION.cff", "README.md", "book/intro.ipynb", "_config.yml"):
        found = {
            site if address.startswith(site) else address
            for address in re.findall(r"https://[\w.-]+github\.io/[^\s)\"}]*", text(name))
        }
        assert found == {site}, name
    assert PROJECT["urls"]["Book"] == CITATION["url"] == CONFIG["html"]["baseurl"] == site
    assert PROJECT["urls"]["Source"] == CITATION["repository-code"] == ADDRESS
    for kind in ("Issues", "Changelog"):
        assert PROJECT["urls"][kind].startswith(f"{ADDRESS}/")


def test_one_title_and_one_name_of_the_authors():
    title, authors = CONFIG["title"], CONFIG["author"]
    intro = text("book/intro.ipynb")
    assert CITATION["title"] == title
    assert (
        [each["name"] for each in CITATION["authors"]]
        == [each["name"] for each in PROJECT["authors"]]
        == [authors]
    )
    assert text("README.md").startswith(f"# {title}\n")
    assert f"title  = {{{title}}}" in intro
    assert f"author = {{{{{authors}}}}}" in intro
    assert f"| Authors | {authors};" in intro
    assert f"Copyright (c) {CONFIG['copyright']} {authors}\n" in text("LICENSE")
    assert json.loads(text(".devcontainer/devcontainer.json"))["name"] == title


def test_one_version_and_the_changelog_begins_with_it():
    assert str(CITATION["version"]) == PROJECT["version"]
    headings = re.findall(r"^## (.+)$", text("CHANGELOG.md"), re.MULTILINE)
    assert PROJECT["version"] in headings[:2]
    assert {*headings[: headings.index(PROJECT["version"])]} <= {"Unreleased"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_make_alone_from_pinned_actions_with_no_right_it_does_not_need(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w/.-]+@[0-9a-f]{40}", step["uses"]), step["uses"]
                continue
            command, target = step["run"].split(" ", 1)
            each = job.get("strategy", {}).get("matrix", {}).get("include", [])
            targets = [one["target"] for one in each] if target == '"$TARGET"' else target.split()
            assert command == "make"
            assert set(targets) <= TARGETS, targets


def test_a_job_that_may_write_does_that_alone():
    """What a job installs and runs can use its rights: no test runs where something is published."""
    does = {}
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
            if "write" in job["permissions"].values():
                steps = {step.get("run") or step["uses"].split("@")[0] for step in job["steps"]}
                does[path.stem, name] = steps - {"actions/checkout", "actions/setup-python"}
                assert job["environment"]
                assert job["needs"]
    assert does == {("book", "deploy"): {"actions/deploy-pages"}, ("release", "publish"): {"make publish"}}


def test_the_workflows_run_the_oldest_and_the_newest_python_of_the_package():
    include = yaml.safe_load(text(".github/workflows/tests.yml"))["jobs"]["package"]["strategy"]["matrix"][
        "include"
    ]
    python = {each["target"]: each["python"] for each in include}
    assert PROJECT["requires-python"] == f">={python['lowest']}"
    offered = [each.rsplit(" ", 1)[1] for each in PROJECT["classifiers"] if "Python :: 3." in each]
    assert python == {"lowest": offered[0], "newest": offered[-1]}
    makefile = text("Makefile")
    assert f"LOWEST ?= {offered[0]}\n" in makefile
    assert f"NEWEST ?= {offered[-1]}\n" in makefile


@pytest.fixture
def release(tmp_path):
    """A folder as it is right before a release of 1.2.3, and whether `make tagged` agrees to a tag there."""
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    (tmp_path / "CITATION.cff").write_text("cff-version: 1.2.0\nversion: 1.2.3\n")
    (tmp_path / "CHANGELOG.md").write_text("## Unreleased\n\n## 1.2.3\n\n- It.\n\n## 1.2.2\n\n- That.\n")
    shutil.copy(ROOT / "Makefile", tmp_path)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--silent", "tagged"]

    def agrees(tag):
        env = {**plain, "GITHUB_REF_NAME": tag}
        return (
            subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=False).returncode == 0
        )

    return tmp_path, agrees


def test_the_tag_of_a_release_must_be_its_version(release):
    _, agrees = release
    assert agrees("v1.2.3")
    assert [tag for tag in ("v9.9.9", "v1.2.30", "v1.2", "1.2.3", "v1x2x3", "") if agrees(tag)] == []


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("CITATION.cff", "version: 1.2.3", "version: 1.2.2"),
        ("CHANGELOG.md", "## 1.2.3", "## 1.3.0"),
        ("CHANGELOG.md", "## Unreleased\n", "## Unreleased\n\n- Something more.\n"),
    ],
)
def test_a_release_is_cited_and_told_under_its_own_version(release, name, before, after):
    folder, agrees = release
    said = (folder / name).read_text()
    (folder / name).write_text(said.replace(before, after))
    assert not agrees("v1.2.3")


def test_every_commit_is_checked_by_make_lint():
    """One that only deletes files too: pre-commit counts no file then, and passes by."""
    (repository,) = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    (hook,) = repository["hooks"]
    assert hook["entry"] == "make lint"
    assert "lint" in TARGETS
    assert (hook["pass_filenames"], hook["always_run"]) == (False, True)


def test_binder_builds_with_the_extras_of_the_package_from_pinned_versions():
    script = ROOT / ".binder" / "postBuild"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    (asked,) = re.findall(r"'\.\[([a-z,]+)\]'", script.read_text(encoding="utf-8"))
    assert set(asked.split(",")) <= set(PROJECT["optional-dependencies"])
    for name in re.findall(r"grep '\^(\w+)==' requirements.txt", script.read_text(encoding="utf-8")):
        assert re.search(rf"^{name}==", text("requirements.txt"), re.MULTILINE), name
    assert text(".binder/runtime.txt").startswith("python-3.")


def test_the_dev_container_is_read():
    container = json.loads(text(".devcontainer/devcontainer.json"))
    assert set(re.findall(r"make ([a-z]+)", container["onCreateCommand"])) <= TARGETS


def extras_of(words):
    """The extras that an install line names, and everything they bring, as one text."""
    (extras,) = re.findall(r"[a-z]+(?:,[a-z]+)+", words)
    offered = PROJECT["optional-dependencies"]
    names = extras.split(",")
    return names, " ".join([*PROJECT["dependencies"], *(word for name in names for word in offered[name])])


# What has another name, and what comes with something else.
BROUGHT_BY = {
    "IPython": "ipython",
    "pandas": "mlxtend",
    "sklearn": "scikit-learn",
    "threadpoolctl": "scikit-learn",
}


def test_the_first_cell_installs_what_the_notebooks_import_and_so_does_binder():
    asked, brought = extras_of(first_cell().source)
    binder, _ = extras_of(text(".binder/postBuild").split("--editable")[1])
    assert asked == binder
    for path in sorted((ROOT / "book").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for name in re.findall(r"^(?:import|from) (\w+)", "".join(cell["source"]), re.MULTILINE):
                if cell["cell_type"] == "code" and name not in sys.stdlib_module_names | {"epbook"}:
                    assert BROUGHT_BY.get(name, name) in brought, (path, name)


@pytest.mark.parametrize("colab", [True, False])
def test_the_first_cell_installs_on_colab_and_does_nothing_elsewhere(monkeypatch, colab):
    ran = []
    monkeypatch.setattr(subprocess, "run", lambda command, check: ran.append(command))
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    if colab:
        monkeypatch.setitem(sys.modules, "google.colab", object())
    exec(first_cell().source, {})
    wanted = [sys.executable, "-m", "pip", "install", "--quiet"]
    assert [command[:-1] for command in ran] == [wanted] * colab
    assert all(command[-1].endswith(f"@ git+{ADDRESS}") for command in ran)


def test_every_notebook_starts_with_that_cell():
    for path in sorted((ROOT / "book").glob("*.ipynb")):
        cell = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
        assert ("".join(cell["source"]), cell["metadata"]) == (
            first_cell().source,
            {"tags": ["remove-cell"]},
        ), path
