"""What a stranger's environment is made of: the bounds of every extra, and nothing that our own lock says."""

from pathlib import Path

import pytest

from epbook.extras import EXTRAS
from tools import launch, package


def test_the_bounds_of_every_extra_are_tried():
    assert {*package.EXTRAS} == {*EXTRAS}


@pytest.fixture
def called(monkeypatch):
    """Each call of uv that chooses packages, with the folder in which it runs; nothing is run."""
    found = []

    def call(*command, folder=package.ROOT):
        if command[1] == "pip":
            found.append((command, folder))

    monkeypatch.setattr(package, "call", call)
    monkeypatch.setattr(launch, "call", call)
    return found


def test_the_settings_of_our_lock_are_not_those_of_a_stranger(called, tmp_path):
    """They leave out what PyTorch's usual build does not start without; uv reads them in the checkout."""
    package.install(Path("python"), "highest", tmp_path / "epbook.whl", ("figures",), tmp_path)
    (tmp_path / "environment" / "lib" / "python3.12" / "site-packages").mkdir(parents=True)
    launch.like_colab(tmp_path / "environment", "3.12")
    assert [command[2] for command, _ in called] == ["compile", "install", "install"]
    for command, folder in called:
        assert package.ROOT not in (folder, *folder.parents), command
