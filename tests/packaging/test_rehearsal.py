"""The rehearsal of a release, of what this checkout builds."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tools import rehearsal

from .fresh import NO_INDEX, build


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("dist"))


@pytest.mark.slow
def test_each_distribution_is_installed_and_tried(
    dist: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        rehearsal.main(dist)
    except SystemExit as end:
        if NO_INDEX.search(str(end)):
            pytest.skip("no index can be reached")
        raise
    assert capsys.readouterr().out.splitlines() == [
        "kube-embedded: installed, and python -c succeeded",
        "kube-labkit-core: installed, and labkit rbac succeeded",
        "kube-labkit: installed, and labkit demo succeeded",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", rehearsal.TRIES)
def test_a_source_distribution_builds_the_same_wheel(dist: Path, tmp_path: Path, name: str) -> None:
    rehearsal.check_source(dist, name, tmp_path)


def test_a_wheel_that_has_more_than_its_source_is_found(dist: Path, tmp_path: Path) -> None:
    (archive,) = dist.glob("kube_labkit-*.tar.gz")
    (wheel,) = dist.glob("kube_labkit-*.whl")
    for path in (archive, wheel):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with zipfile.ZipFile(tmp_path / wheel.name, "a") as changed:
        changed.writestr("more.py", "")
    with pytest.raises(SystemExit, match=r"builds another wheel: \['more.py'\]"):
        rehearsal.check_source(tmp_path, "kube-labkit", tmp_path / "scratch")


def test_a_command_that_fails_ends_the_rehearsal_with_its_output() -> None:
    with pytest.raises(SystemExit, match=r"(?s)sh -c echo why; exit 3 …: 3\nwhy"):
        rehearsal.run("sh", "-c", "echo why; exit 3")
