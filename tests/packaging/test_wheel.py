"""The wheel carries the notebooks and manifests, and finds them again when installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from kube_embedded.version import __version__ as server_version
from labkit.core import resources
from labkit.core.version import __version__

ROOT = Path(__file__).resolve().parents[2]


def built(project: Path, folder: Path) -> Path:
    """A project's wheel, built as anyone would from a checkout, with the locked build backend."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def server_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT / "kube_embedded", tmp_path_factory.mktemp("wheel"))


def test_the_servers_wheel_holds_every_module_and_table(server_wheel: Path) -> None:
    names = set(zipfile.ZipFile(server_wheel).namelist())
    kinds = {".py", ".json", ".sql", ".typed"}
    package = ROOT / "kube_embedded"
    tests = package / "tests"
    files = [
        path
        for path in package.rglob("*")
        if path.suffix in kinds and not path.is_relative_to(tests)
    ]
    assert len(files) > 400
    assert {str(path.relative_to(ROOT)) for path in files} - names == set()
    assert [name for name in names if Path(name).suffix not in kinds | {""}] == []
    assert [name for name in names if name.startswith("kube_embedded/tests/")] == []


def test_all_three_have_one_version_and_licence() -> None:
    assert __version__ == server_version
    core, whole = (
        tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        for folder in (".", "jupyter")
    )
    assert f"kube-embedded=={__version__}" in core["dependencies"]
    assert f"kube-embedded[full]=={__version__}" in whole["dependencies"]
    assert f"kube-labkit-core[grade]=={__version__}" in whole["dependencies"]
    assert whole["version"] == __version__
    # Copies, for a link would lead out of a source distribution.
    for folder in ("jupyter", "kube_embedded"):
        assert not (ROOT / folder / "LICENSE").is_symlink()
        assert (ROOT / folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_the_core_asks_of_the_server_s_extra_what_decides_answers() -> None:
    core, server = (
        tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        for folder in (".", "kube_embedded")
    )
    full = server["optional-dependencies"]["full"]
    assert [line for line in full if line not in core["dependencies"]] == [full[-1]]
    assert full[-1].startswith("uvloop")


def test_the_whole_lab_s_wheel_holds_requirements_alone(tmp_path: Path) -> None:
    names = zipfile.ZipFile(built(ROOT / "jupyter", tmp_path)).namelist()
    assert {name.partition("/")[0] for name in names} == {f"kube_labkit-{__version__}.dist-info"}


def test_the_wheel_holds_every_module_manifest_and_notebook(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        f"labkit/{path.relative_to(ROOT / 'labkit')}" for path in (ROOT / "labkit").rglob("*.py")
    }
    for folder, pattern in (
        ("clusters", "*"),
        ("notebooks", "*.ipynb"),
        ("notebooks", "pictures/*"),
    ):
        for path in (ROOT / folder).rglob(pattern):
            if path.is_file() and ".ipynb_checkpoints" not in path.parts:
                wanted.add(f"labkit/_data/{folder}/{path.relative_to(ROOT / folder)}")
    assert wanted - names == set()


def test_the_wheel_holds_no_authored_notebook_and_no_test(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [
        name
        for name in names
        if "/source/" in name or name.startswith(("tests/", "tools/", "benchmarks/"))
    ] == []


def test_an_installed_wheel_finds_its_data_and_starts_a_command(
    wheel: Path, server_wheel: Path, tmp_path: Path
) -> None:
    home = tmp_path / "venv"
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    libraries = next((home / "lib").glob("python*")) / "site-packages"
    for each in (wheel, server_wheel):
        zipfile.ZipFile(each).extractall(libraries)
    # The dependencies come from this environment, after the wheel's own labkit.
    (libraries / "dependencies.pth").write_text(
        "\n".join(path for path in sys.path if path.endswith("site-packages"))
    )
    code = (
        "import labkit.core.resources as r; print(r.__file__); print(r.clusters()); print(r.notebooks());"
        "import runpy, sys; sys.argv = ['labkit', '--help']; runpy.run_module('labkit', run_name='__main__')"
    )
    done = subprocess.run(
        [python, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": "", "PYTHONSAFEPATH": "1"},
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.startswith(str(libraries / "labkit")) for line in lines[:3]] == [
        True,
        True,
        True,
    ], lines
    assert lines[1].endswith("labkit/_data/clusters")
    assert "Usage" in done.stdout


def test_a_checkout_uses_the_folders_beside_the_package() -> None:
    assert resources.clusters() == ROOT / "clusters"
    assert resources.notebooks() == ROOT / "notebooks"


def test_a_missing_folder_is_said_with_the_way_out() -> None:
    with pytest.raises(FileNotFoundError, match="install the wheel, or run from a checkout"):
        resources.folder("no-such-folder")
