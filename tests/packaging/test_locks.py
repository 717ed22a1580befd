"""The locks pin everything, with hashes, for every platform, and name no address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from kube_embedded.tests.support.some import some
from labkit.core.version import OWN
from tools.environment import environment, pins

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "deploy/hub/requirements.lock")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes(name: str) -> None:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", read(name))[1:]
    assert len(blocks) > 50
    for block in some(blocks):
        assert re.search(r"\n    --hash=sha256:[0-9a-f]{64}", block), block.splitlines()[0]


@pytest.mark.parametrize("name", LOCKS)
def test_no_address_and_no_path_of_a_machine(name: str) -> None:
    assert not re.search(
        r"https?://|file:|/home/|/root/|/opt/|--index-url|--find-links", read(name)
    )


def test_the_learner_s_and_the_hub_s_pins_are_the_developer_s_pins_too() -> None:
    learner, developer, hub = ({pin.split(" ;")[0] for pin in pins(read(name))} for name in LOCKS)
    assert learner < hub < developer


@pytest.mark.parametrize(
    ("name", "extras"),
    [
        ("requirements.lock", ("class", "ko")),
        ("requirements-dev.lock", ("docs", "test", "nbgrader", "hub", "ko")),
        ("deploy/hub/requirements.lock", ("class", "hub", "ko")),
    ],
)
def test_the_lock_satisfies_what_pyproject_asks_for(name: str, extras: tuple[str, ...]) -> None:
    projects = [
        tomllib.loads(read(f"{folder}pyproject.toml"))["project"]
        for folder in ("", "jupyter/", "kube_embedded/")
    ]
    wanted = [Requirement(text) for project in projects for text in project["dependencies"]]
    for extra in ("full", "grade", *extras):
        lists = [project["optional-dependencies"].get(extra, []) for project in projects]
        assert any(lists), extra
        wanted += [Requirement(text) for texts in lists for text in texts]
    locked: dict[str, list[str]] = {}
    for text in pins(read(name)):
        pin = Requirement(text)
        locked.setdefault(pin.name.lower(), []).append(str(pin.specifier).removeprefix("=="))
    for requirement in some(wanted):
        if requirement.name in OWN:
            continue
        versions = locked.get(requirement.name.lower())
        assert versions, f"{name} does not pin {requirement.name}: run make lock"
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_environment_yml_is_made_from_the_lock() -> None:
    assert read("environment.yml") == environment(read("requirements.lock")), "run make lock"


def test_environment_yml_has_the_same_pins_in_its_pip_section() -> None:
    packages = yaml.safe_load(read("environment.yml"))["dependencies"]
    (section,) = [entry["pip"] for entry in packages if isinstance(entry, dict)]
    assert section[-3:] == ["-e ./kube_embedded", "-e .", "-e ./jupyter"]
    assert section[:-3] == pins(read("requirements.lock"))
    assert {"kubernetes-client", "kubernetes-kind"} <= {
        entry for entry in packages if isinstance(entry, str)
    }


def test_pins_drop_hashes_and_keep_markers() -> None:
    lock = "a==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n"
    lock += "b==2 ; sys_platform != 'win32' \\\n    --hash=sha256:22\n"
    assert pins(lock) == ["a==1.0", "b==2 ; sys_platform != 'win32'"]
