from __future__ import annotations

import csv
import json
import platform
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from kube_embedded.tests.support.until import until
from labkit.backends import bundle
from labkit.backends.base import Options
from labkit.backends.engine import Done
from labkit.backends.kind.backend import KindBackend
from labkit.cli import run
from labkit.core.errors import Missing, UsageError
from tests.backends.programs import Programs


def quiet(_line: str) -> None:
    pass


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace pip, which would need the network."""

    def call(command: list[str], **_: object) -> Done:
        if "venv" in command:
            return Done(0, "", "")
        target = Path(
            command[command.index("--dest" if "--dest" in command else "--wheel-dir") + 1]
        )
        verb = command[command.index("pip") + 1]
        (target / f"{verb}ed-1-py3-none-any.whl").write_text("wheel")
        return Done(0, "", "")

    monkeypatch.setattr(bundle, "call", call)


@pytest.mark.usefixtures("no_pip")
def test_what_is_saved_can_be_loaded_elsewhere(tmp_path: Path, programs: Programs) -> None:
    file = tmp_path / "lab.tar"
    saved = bundle.save(file, tmp_path / "here", "me/node:v1", quiet)
    with tarfile.open(file) as archive:
        names = set(archive.getnames())
    assert {"README.txt", "bundle.json", "images.tar", "wheels/wheeled-1-py3-none-any.whl"} <= names
    assert {
        f"notebooks/{name}.ipynb" for name in ("00-start", "ko/00-start", "exercises/ex4-roles")
    } <= set(names)
    assert "notebooks/pictures/who-binding-what.svg" in names
    assert [
        line
        for line in programs.calls("docker save")
        if "me/node:v1" in line and "labkit/pod" in line
    ]

    there = tmp_path / "there"
    there.mkdir()
    assert bundle.load(file, there, quiet) == saved
    assert there.stat().st_mode & 0o077 == 0
    assert KindBackend(there, Options()).image == "me/node:v1"
    assert KindBackend(there, Options(image="other:1")).image == "other:1"
    assert programs.calls("docker load")
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")) == []


@pytest.mark.usefixtures("no_pip")
def test_without_images_no_docker_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    file = tmp_path / "lab.tar"
    assert run(["bundle", "save", str(file), "--no-images"]) == 0
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    shown = capsys.readouterr().out
    assert f"for Python {python} on {platform.machine()} and no images" in shown
    with tarfile.open(file) as archive:
        assert "images.tar" not in archive.getnames()
        member = archive.extractfile("README.txt")
        assert member is not None
        said = member.read().decode()
    assert "labkit lab" in said
    assert f"python{python} -m venv labkit-env" in said
    assert "kind" not in said
    assert run(["bundle", "load", str(file)]) == 0
    assert "go on with labkit lab" in capsys.readouterr().out


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"(?s)cannot use .*/nope/lab\.tar.*Name another place"):
        bundle.save(tmp_path / "nope" / "lab.tar", tmp_path / "home", "", quiet, images=False)


@pytest.mark.usefixtures("no_pip")
def test_a_bundle_for_another_machine_is_refused(
    tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle.save(tmp_path / "lab.tar", tmp_path / "here", "me/node:v1", quiet)
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(UsageError, match="this machine is riscv64"):
        bundle.load(tmp_path / "lab.tar", tmp_path / "there", quiet)


def test_a_node_image_must_be_named_and_had(tmp_path: Path, programs: Programs) -> None:
    with pytest.raises(Missing, match="No node image is named"):
        bundle.save(tmp_path / "lab.tar", tmp_path / "here", "", quiet)
    programs.docker(images="none", rest="exit 1")
    with pytest.raises(Missing, match="cannot be pulled"):
        bundle.save(tmp_path / "lab.tar", tmp_path / "here", "me/node:v1", quiet)
    assert not (tmp_path / "lab.tar").exists()


def test_what_is_no_bundle_is_said(tmp_path: Path, programs: Programs) -> None:
    (tmp_path / "text").write_text("hello")
    with tarfile.open(tmp_path / "other.tar", "w") as archive:
        archive.add(tmp_path / "text", "text")
    (tmp_path / "bundle.json").write_text(json.dumps({"format": 99}))
    with tarfile.open(tmp_path / "newer.tar", "w") as archive:
        archive.add(tmp_path / "bundle.json", "bundle.json")
    for name in ("text", "other.tar", "nope.tar"):
        with pytest.raises(UsageError, match=r"(?s)is no bundle.*try: Name the file"):
            bundle.load(tmp_path / name, tmp_path / "home", quiet)
    with pytest.raises(UsageError, match="another version"):
        bundle.look(tmp_path / "newer.tar")


def test_images_that_do_not_arrive_are_said(
    tmp_path: Path, programs: Programs, no_pip: None
) -> None:
    bundle.save(tmp_path / "lab.tar", tmp_path / "here", "me/node:v1", quiet)
    programs.docker(images="none")
    with pytest.raises(Missing, match="could not be loaded"):
        bundle.load(tmp_path / "lab.tar", tmp_path / "there", quiet)


def test_everything_that_labkit_needs_is_named_with_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = bundle.installed_versions("click")
    assert found["click"] == metadata.version("click")
    assert "jupyter-server" in bundle.installed_versions("jupyterlab")
    assert "tinycss2" in bundle.installed_versions("nbconvert")  # asked for as bleach[css]
    assert bundle.installed_versions("no-such-thing") == {}
    # What only an extra requires, or another system, is left out.
    described = tmp_path / "sample-1.dist-info" / "METADATA"
    described.parent.mkdir()
    described.write_text(
        "Metadata-Version: 2.4\nName: sample\nVersion: 1\nRequires-Dist: click\n"
        "Requires-Dist: pytest; extra == 'test'\nRequires-Dist: rich; sys_platform == 'win32'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert set(bundle.installed_versions("sample")) == {"sample", "click"}


def test_an_environment_without_pip_gets_a_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[list[str]] = []

    def call(command: list[str], **_: object) -> Done:
        called.append(command)
        return Done(0, "", "")

    monkeypatch.setattr(bundle, "call", call)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    python = str(tmp_path / "bin" / "python")
    assert bundle.pip_command(tmp_path) == [python, "-P", "-m", "pip"]
    assert called == [[sys.executable, "-P", "-m", "venv", str(tmp_path)]]


def test_an_installed_distribution_becomes_a_wheel_again(tmp_path: Path) -> None:
    wheel = bundle.repack(metadata.distribution("platformdirs"), tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        record = next(name for name in names if name.endswith("RECORD"))
        rows = list(csv.reader(archive.read(record).decode().splitlines()))
    assert "platformdirs/__init__.py" in names
    assert {row[0] for row in rows} == set(names)
    assert not [name for name in names if name.endswith(".pyc") or "INSTALLER" in name]
    assert wheel.name == f"platformdirs-{metadata.version('platformdirs')}-py3-none-any.whl"


def test_what_says_nothing_itself_is_reported_by_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "PROGRESS_SECONDS", 0.01)
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "a.whl").write_bytes(bytes(3 << 20))
    said: list[str] = []
    with bundle._progress(tmp_path, said.append):
        until(lambda: said)
    count = len(said)
    assert set(said) == {"  3 MiB so far …"}
    assert len(said) == count, "it ends with the block"
