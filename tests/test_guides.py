"""README, CONTRIBUTING and CHANGELOG: what they tell to run and to open exists, and nothing is left out."""

import importlib.util
import re
import shlex
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
import tomllib
import yaml
from page_words import PAGES
from test_house import ORDER

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
ADDRESS, SITE = CONFIG["repository"]["url"], CONFIG["html"]["baseurl"]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
GUIDES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", ".github/pull_request_template.md")


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def commands(guide):
    """Every line of a box of code, without its comment, and every piece of code in the prose."""
    boxes = re.findall(r"^```\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    found = [part for box in boxes for line in box.splitlines() for part in line.split("#")[0].split("&&")]
    prose = re.sub(r"^```.*?^```$", "", guide, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(each.split()) for each in (*found, *re.findall(r"`([^`]+)`", prose))]


def wrong_in_make(words):
    for word in words:
        variable, is_set, value = word.partition("=")
        if is_set and not re.search(rf"^{variable} \?=|\$\({variable}\)", MAKEFILE, re.MULTILINE):
            yield f"{variable} is no variable of the Makefile"
        elif not is_set and word not in TARGETS:
            yield f"make {word} does not exist"
        elif "/" in value and not (ROOT / value).exists():
            yield f"{value} does not exist"


def wrong_in_python(words):
    name = words[1] if words[0] == "-m" else words[0]
    spec = importlib.util.find_spec(name) if words[0] == "-m" else None
    path = Path(spec.origin) if spec else ROOT / name
    if not path.is_file():
        yield f"{name} does not exist"
        return
    for word in words:
        if word.startswith("--") and f'"{word}"' not in path.read_text(encoding="utf-8"):
            yield f"{name} has no option {word}"
        elif "/" in word and not (ROOT / word).exists():
            yield f"{word} does not exist"


def wrong(command):
    """What of a command of ours does not exist; of other people's commands nothing is known."""
    words = shlex.split(command) if re.match(r"make |python |pip |\.venv/bin/", command) else [""]
    program, words = words[0].removeprefix(".venv/bin/"), words[1:]
    if program == "make":
        return list(wrong_in_make(words))
    if program == "python" and words:
        return list(wrong_in_python(words))
    if program == "pip":
        (asked,) = re.findall(r"\[(.*?)\]", command) or [""]
        return [f"no extra {name}" for name in asked.split(",") if name and name not in EXTRAS]
    return [f"{program} is not installed"] * bool(
        program and not (Path(sys.executable).parent / program).exists()
    )


@pytest.mark.parametrize("name", GUIDES)
def test_what_a_guide_tells_to_run_exists(name):
    assert {command: wrong(command) for command in commands(text(name)) if wrong(command)} == {}


@pytest.mark.parametrize(
    ("guide", "said"),
    [
        ("Run `make boook test`.", "make boook does not exist"),
        ("Run `make\nboook`.", "make boook does not exist"),
        ("```\nmake test && make boook   # builds\n```", "make boook does not exist"),
        ("`make launch BOOKS=book/intro.ipynb`", "BOOKS is no variable of the Makefile"),
        ("`make launch NOTEBOOKS=book/none.ipynb`", "book/none.ipynb does not exist"),
        ("`.venv/bin/python tools/none.py`", "tools/none.py does not exist"),
        (
            "`.venv/bin/python tools/normalise_notebooks.py --run`",
            "tools/normalise_notebooks.py has no option --run",
        ),
        ("`.venv/bin/python -m pytest tests/none.py`", "tests/none.py does not exist"),
        ("`python -m tools.none`", "tools.none does not exist"),
        ("`.venv/bin/none install`", "none is not installed"),
        ("`pip install '.[figures,none]'`", "no extra none"),
    ],
)
def test_a_command_that_does_not_exist_is_found(guide, said):
    assert [each for command in commands(guide) for each in wrong(command)] == [said]


@pytest.mark.parametrize("name", GUIDES)
def test_what_a_guide_links_to_or_names_exists(name):
    for linked in re.findall(r"\]\((?!https?:)([^)#]+)", text(name)):
        assert (ROOT / linked).exists(), linked
    for path in re.findall(r"`((?:tests|tools|book|epbook|web|benchmarks)/[\w/.]*)`", text(name)):
        assert (ROOT / path).exists(), path


def test_the_addresses_of_the_readme_hold_wherever_it_is_shown():
    """It is the description of the package too, where a path leads nowhere."""
    readme = text("README.md")
    assert re.findall(r"\]\((?!https://)[^)]*\)|^\[.*\]: (?!https://).*$", readme, re.MULTILINE) == []
    branch, launch = CONFIG["repository"]["branch"], CONFIG["launch_buttons"]
    begin = "book/intro.ipynb"
    owner = ADDRESS.removeprefix("https://github.com/")
    named = {
        SITE,
        f"{SITE}embedding-principle.pdf",
        f"{launch['binderhub_url']}/v2/gh/{owner}/{branch}?"
        + urlencode({"urlpath": f"lab/tree/{begin}"}, safe="/"),
        f"{launch['colab_url']}/github/{owner}/blob/{branch}/{begin}",
    }
    files = set()
    for address in re.findall(r"https://[^\s)\"]+", readme):
        file = re.fullmatch(rf"{ADDRESS}/(?:blob|raw)/{branch}/(.+)", address)
        if file:
            files.add(file[1])
            assert (ROOT / file[1]).exists(), address
        else:
            assert address in named | {ADDRESS}, address
    assert all(address in readme for address in named)
    assert files >= {"web/spectrum.png", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "LICENSE"}


def test_the_first_screen_of_the_readme_says_where_to_read_to_run_to_install_and_to_build():
    first = text("README.md").split("\n## ")[0]
    assert len(first.splitlines()) <= 25
    for said in (SITE, "mybinder.org", "colab", f'pip install "epbook @ git+{ADDRESS}"', "make book"):
        assert said in first


def row(folder):
    """The words in code of the row of README's table that begins with this folder."""
    (line,) = re.findall(rf"^\| `{folder}/` \|(.*)\|$", text("README.md"), re.MULTILINE)
    return re.findall(r"`([a-z_]+)`", line)


def test_the_readme_names_every_page_in_the_order_of_the_book_and_every_room_in_that_of_imports():
    single = [name.removeprefix("book/") for name in PAGES if not name.startswith("book/api/")]
    assert row("book") == [*single, "api"]
    assert row("epbook") == ORDER
    rooms = {path.stem for path in (ROOT / "epbook").iterdir() if path.suffix in ("", ".py")}
    assert {*ORDER} == {name for name in rooms if not name.startswith("_")}


def test_the_readme_names_every_extra():
    for extra in EXTRAS:
        assert f"`{extra}`" in text("README.md"), extra


def test_a_page_has_the_limits_that_the_guide_tells():
    from test_open_cells import COLUMNS, LINES

    from tools.normalise_notebooks import LINES as FOLDED

    width = tomllib.loads(text("pyproject.toml"))["tool"]["ruff"]["line-length"]
    told = " ".join(text("CONTRIBUTING.md").split())
    assert (
        f"at most {LINES} lines of {COLUMNS} characters, a folded one at most {FOLDED} lines of {width}"
        in told
    )
