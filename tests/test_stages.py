"""`make test` and `make portability` tell everything: all stages run, a list at the end has all failures."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import check, portability
from tools.stages import Stage, run

ONE_ULP = """
import json, numpy as np, torch
draw = torch.randn(20, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
print(json.dumps([draw.tolist(), np.random.default_rng(1).normal(2.0, 3.0, size=20).tolist()]))
"""


def python(text):
    return [sys.executable, "-c", text]


def test_every_stage_runs_and_all_failures_are_listed(capfd):
    stages = [
        Stage("first", python("print('FAILED tests/a.py::b - assert 1 == 2'); raise SystemExit(1)")),
        Stage("second", python("import os; print('here', os.environ['ONE'])"), {"ONE": "1"}),
        Stage("third", python("raise SystemExit(7)")),
        Stage("fourth", python("print('never')"), needs=("second", "third")),
        Stage("fifth", python("print('never')"), absent="no such processor"),
    ]
    assert run(stages) == 3
    said = capfd.readouterr().out
    assert "here 1" in said
    assert "never" not in said
    told = said.split("==== in all\n")[1].splitlines()
    assert [line.split("(")[0].split(":")[0].strip() for line in told] == [
        "FAILED   first",
        "FAILED tests/a.py",
        "passed   second",
        "FAILED   third",
        "exit code 7",
        "NOT RUN  fourth",
        "skipped  fifth",
    ]


def test_all_that_passes_is_nothing():
    assert run([Stage("one", python("pass")), Stage("two", [], absent="elsewhere")]) == 0


def test_make_test_has_the_stages_of_make_lint_and_the_pages_need_the_book():
    stages = {stage.name: stage for stage in check.test()}
    assert {stage.name for stage in check.lint()} < stages.keys()
    assert stages["pages"].needs == ("book", "chromium")


def test_the_processors_named_in_the_book_are_all_there():
    made = {(name, value) for leg in portability.LEGS for name, value in leg.variables.items()}
    assert {value for name, value in made if name == "OPENBLAS_CORETYPE"} >= {
        "Haswell",
        "SkylakeX",
        "Nehalem",
    }
    assert {value for name, value in made if name == "ATEN_CPU_CAPABILITY"} >= {"default", "avx2"}
    assert {value for name, value in made if name == "OMP_NUM_THREADS"} == {"1", "2"}
    assert {"NPY_DISABLE_CPU_FEATURES", "GLIBC_TUNABLES"} < {name for name, _ in made}
    assert ("NUMBA_CPU_NAME", "generic") in made


def test_the_short_form_is_a_leg():
    makefile = (portability.ROOT / "Makefile").read_text("utf-8")
    (asked,) = re.findall(r"tools\.portability (\S+)$", makefile, re.MULTILINE)
    assert asked in [leg.name for leg in portability.LEGS]


@pytest.fixture
def legs(monkeypatch, tmp_path):
    """legs(*has): the stages on a processor that has these features; its libraries do as they are told."""
    monkeypatch.setattr(portability, "WORK", tmp_path)

    def stages(*has):
        def probe(variables):
            shows = [
                f"OpenBLAS {variables.get('OPENBLAS_CORETYPE')}",
                f"ATen {variables.get('ATEN_CPU_CAPABILITY', '').upper()}",
                "NumPy baseline",
            ]
            return {"has": has, "beyond": ["X86_V3", "X86_V4"], "shows": shows}

        monkeypatch.setattr(portability, "probe", probe)
        return {stage.name: stage for stage in portability.stages(portability.LEGS)}

    return stages


def test_a_leg_that_this_processor_cannot_play_is_skipped_with_the_reason(legs):
    stages = legs("sse4.2", "avx2", "fma")
    assert [name for name, stage in stages.items() if stage.absent] == ["SkylakeX"]
    assert "avx512f" in stages["SkylakeX"].absent


def test_a_leg_that_the_libraries_do_not_follow_is_skipped_with_the_reason(monkeypatch):
    seen = {"has": ["sse4.2", "avx2", "fma"], "beyond": [], "shows": ["OpenBLAS Zen", "ATen AVX2"]}
    monkeypatch.setattr(portability, "probe", lambda _: seen)
    (stage,) = portability.stages([leg for leg in portability.LEGS if leg.name == "Nehalem"])
    assert "asked for OpenBLAS Nehalem" in stage.absent
    assert "OpenBLAS Zen" in stage.absent


def test_each_leg_has_its_own_choices_and_an_empty_cache(legs, tmp_path):
    (tmp_path / "Nehalem" / ".cache").mkdir(parents=True)
    stages = legs("sse4.2", "avx2", "fma", *portability.AVX512)
    assert stages["Nehalem"].variables["NPY_DISABLE_CPU_FEATURES"] == "X86_V3 X86_V4"
    assert not (tmp_path / "Nehalem" / ".cache").exists()
    for stage in stages.values():
        assert {f"--unset={name}" for name in portability.CHOICES - stage.variables.keys()} <= {
            *stage.command
        }
        notebooks = [Path(part) for part in stage.command if part.endswith(".ipynb")]
        assert {path.name for path in notebooks} == {
            path.name for path in (portability.ROOT / "book").glob("*.ipynb")
        }
        assert {path.stem for path in notebooks[:2]} == set(portability.LONGEST)
        assert all(tmp_path in path.parents and path.exists() for path in notebooks)
        assert Path(stage.variables["EPBOOK_CACHE"]) == notebooks[0].parents[1] / ".cache"


def test_a_leg_that_does_not_exist_is_refused(capsys):
    with pytest.raises(SystemExit):
        portability.main(["Itanium"])
    assert "Itanium" in capsys.readouterr().err


def test_starts_are_moved_by_one_unit_in_the_last_place():
    numpy = pytest.importorskip("numpy")

    def draws(**variables):
        done = subprocess.run(
            python(ONE_ULP), env={**os.environ, **variables}, capture_output=True, check=True
        )
        return numpy.array(json.loads(done.stdout))

    plain, moved = draws(), draws(PYTHONPATH=str(portability.ROOT / "tools" / "one_ulp"))
    assert (moved == numpy.nextafter(plain, numpy.inf)).all()
