"""What a submission may learn of the grader's machine: Python, labkit and what it needs, and nothing of the rest."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from labkit.grading.graders.grader import Grader
from labkit.grading.walls import packages
from labkit.grading.walls.packages import PackageDirectory, package_directories
from labkit.grading.walls.root_directory import MASKED_IN_PROC
from tests.grading.conftest import SHORT
from tests.grading.support import grade, submit

EXERCISE = "ex4-roles"
LIST = """
import importlib.util, json, os, sys, sysconfig
site = sysconfig.get_path("purelib")
print(json.dumps({
    "seen": [name for name in ("yaml", "cryptography", "nbclient", "pytest", "mypy") if importlib.util.find_spec(name)],
    "files": [name.split("-")[0] for name in os.listdir(site) if name.startswith(("pytest", "mypy", "kube_labkit"))],
    "writable": os.access(site, os.W_OK),
    "others": [os.listdir(path) for path in OTHERS if os.path.exists(path)],
}))
"""


@pytest.fixture
def isolated(grader: Grader) -> None:
    """Skip where the platform has no namespaces."""
    if grader.level == "plain":
        pytest.skip("no namespaces here (docs/grading.md)")


@pytest.mark.usefixtures("isolated")
def test_how_the_machine_was_started_and_what_its_kernel_is_made_of_is_not_shown(
    grader: Grader, tmp_path: Path
) -> None:
    source = f"""
import os
for name in {MASKED_IN_PROC!r}:
    if os.path.exists("/proc/" + name):
        with open("/proc/" + name, "rb") as file:
            print(name, len(file.read()))
print("processors", os.cpu_count(), "memory", "MemTotal" in open("/proc/meminfo").read())
"""
    submit(tmp_path, "eve", EXERCISE, [source])
    *sizes, last = grade(grader, tmp_path)["eve"].output.splitlines()
    assert "cmdline 0" in sizes
    assert all(line.endswith(" 0") for line in sizes), sizes
    assert last.startswith("processors")
    assert last.endswith("True")


MOUNTS = """
for line in open("/proc/self/mountinfo"):
    path, options = line.split()[4:6]
    if not path.startswith(("/dev/", "/proc")):
        print(path, options)
"""
"""The devices are files of the machine's, and what is hidden in /proc is one of them."""

OWN = ("/home/learner", "/tmp")


@pytest.mark.usefixtures("isolated")
def test_devices_are_read_and_written(grader: Grader, tmp_path: Path) -> None:
    source = """
with open("/dev/null", "w") as nowhere:
    nowhere.write("gone")
print([len(open(f"/dev/{name}", "rb").read(4)) for name in ("null", "zero", "random", "urandom")])
!echo gone > /dev/null && echo written
"""
    submit(tmp_path, "ann", EXERCISE, [source])
    assert grade(grader, tmp_path)["ann"].output == "[0, 4, 4, 4]\nwritten\n"


@pytest.mark.usefixtures("isolated")
def test_files_of_the_machine_are_read_only_and_no_program_gains_rights(
    grader: Grader, tmp_path: Path
) -> None:
    submit(tmp_path, "eve", EXERCISE, [MOUNTS])
    lines = grade(grader, tmp_path)["eve"].output.splitlines()
    mounts = {path: options.split(",") for path, options in map(str.split, lines) if path != "/"}
    assert {*OWN, "/usr"} <= mounts.keys()
    assert [path for path, options in mounts.items() if "nosuid" not in options] == []
    assert mounts["/usr"][0] == "ro"
    for path in OWN:
        assert {"rw", "nodev"} <= {*mounts[path]}
    packages_of_labkit = str(Path(pytest.__file__).resolve().parents[1])
    assert "nodev" in mounts[packages_of_labkit]


@pytest.mark.parametrize(
    "overlay",
    [True, pytest.param(False, marks=pytest.mark.slow)],
    ids=["with-overlays", "without-overlays"],
)
@pytest.mark.usefixtures("isolated")
def test_packages_that_labkit_does_not_need_are_not_there(
    overlay: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not overlay:
        monkeypatch.setattr(packages, "_whiteouts", lambda _directory, _names: "")
    own = sorted(
        {str(path) for path in packages._directories()}
        - {str(Path(pytest.__file__).resolve().parents[1])}
    )
    submit(tmp_path, "eve", EXERCISE, [f"OTHERS = {own!r}", LIST])
    with Grader(limits=SHORT, slots=1) as grader:
        output = grade(grader, tmp_path)["eve"].output
    seen = json.loads(output)
    assert seen["seen"] == ["yaml", "cryptography", "nbclient"]
    assert sorted(seen["files"]) == ["kube_labkit", "kube_labkit_core"]
    assert not seen["writable"]
    assert seen["others"] == [[] for _ in seen["others"]]


def install(site: Path, name: str, *requires: str, record: bool = True) -> None:
    """Write an installed distribution of one package."""
    (site / name).mkdir(parents=True)
    (site / name / "__init__.py").touch()
    information = site / (f"{name}-1.0.dist-info" if record else f"{name}-1.0.egg-info")
    information.mkdir()
    lines = [f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {entry}" for entry in requires)]
    (information / ("METADATA" if record else "PKG-INFO")).write_text("\n".join(lines) + "\n")
    if record:
        (information / "RECORD").write_text(
            f"../../../bin/{name},,\n{name}/__init__.py,sha256=x,0\n{information.name}/RECORD,,\n"
        )
    else:
        (information / "top_level.txt").write_text(f"{name}\n")


def test_those_for_figures_and_tables_stay_where_they_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, system = tmp_path / "site-packages", tmp_path / "dist-packages"
    install(site, "kube_labkit_core", "helper", "figures; extra == 'figures'")
    install(site, "helper", "deeper>=1")
    install(site, "deeper", record=False)
    install(site, "pandas", "dates")
    install(site, "dates")
    install(site, "solutions")
    install(site, "figures")
    (site / "__pycache__").mkdir()
    (site / "secret.pth").touch()
    install(system, "apt")
    monkeypatch.setattr(sys, "path", [str(site), str(system)])
    monkeypatch.setattr(packages, "_directories", lambda: [site, system])
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    first, second = package_directories(scratch)
    names = {
        name
        for wanted in ("kube_labkit_core", "helper", "pandas", "dates")
        for name in (wanted, f"{wanted}-1.0.dist-info")
    }
    assert set(first.needed) == names | {"deeper", "deeper-1.0.egg-info", "__pycache__"}
    assert second == PackageDirectory(str(system), ())


def test_only_a_directory_of_packages_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of that name, as a failed installation can leave it, stops no grader."""
    for prefix in ("prefix", "base_prefix"):
        monkeypatch.setattr(sys, prefix, str(tmp_path))
    for library in ("lib", "lib64"):
        (tmp_path / library / "python3").mkdir(parents=True)
    (tmp_path / "lib/python3/site-packages").touch()
    secrets = tmp_path / "lib64/python3/site-packages"
    install(secrets, "solutions")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    found = package_directories(scratch)
    assert [entry for entry in found if entry.directory.startswith(str(tmp_path))] == [
        PackageDirectory(str(secrets), ())
    ]


def test_where_labkit_is_not_installed_nothing_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "other")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert package_directories(tmp_path) == []
