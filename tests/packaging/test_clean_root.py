"""The scripts of Binder, of the dev container and of the hub's image, run in an empty Debian.

No registry of images is needed: debootstrap creates the content of `debian:trixie-slim`. Steps of Docker or of the hosts
themselves (the dev container's features, repo2docker's own environment) are not run here.
"""

from __future__ import annotations

import glob
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.course import ALL_PASSED

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("debootstrap", "chroot", "unshare")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

pytestmark = pytest.mark.reach


@dataclass
class Machine:
    """A Debian in a directory.

    Args:
        root: The directory.
        variables: The environment of its commands.
        user: The user that runs them.
        directory: Their working directory.
    """

    root: Path
    variables: dict[str, str] = field(default_factory=lambda: {"PATH": SYSTEM_PATH})
    user: str = "0"
    directory: str = "/"

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command, with processes of its own."""
        variables = {"HOME": "/root" if self.user == "0" else self.home, **self.variables}
        if (self.root / "certificates.crt").exists():  # those that this machine trusts
            names = ("PIP_CERT", "SSL_CERT_FILE")
            variables |= dict.fromkeys(names, "/certificates.crt")
        inside = ["env", "-i", *(f"{name}={value}" for name, value in variables.items())]
        inside += ["sh", "-c", f'cd {shlex.quote(self.directory)} && exec "$@"', "sh", *command]
        identity = [f"--userspec={self.user}"] if self.user != "0" else []
        apart = [
            "unshare",
            "--pid",
            "--mount",
            "--fork",
            "--kill-child",
            f"--mount-proc={self.root / 'proc'}",
        ]
        done = subprocess.run(
            [*apart, "chroot", *identity, str(self.root), *inside],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        assert done.returncode == 0 or not check, (
            f"{shlex.join(command)}: {done.returncode}\n{done.stdout[-4000:]}"
        )
        return done

    @property
    def home(self) -> str:
        """The user's home."""
        number = self.user.partition(":")[0]
        lines = [line.split(":") for line in (self.root / "etc/passwd").read_text().splitlines()]
        return next(line[5] for line in lines if number in (line[0], line[2]))

    def copy(self, source: Path, target: str) -> None:
        """Copy a file of this machine, with its mode."""
        place = self.root / target.lstrip("/")
        place = place / source.name if target.endswith("/") else place
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)

    def check_out(self, directory: str, user: str) -> None:
        """Copy the tracked files, as a clone has them, and give them to a user."""
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                self.copy(ROOT / name, f"{directory}/{name}")
        self.run("chown", "-R", user, directory)


@pytest.fixture(scope="session")
def bare() -> Iterator[Path]:
    """A minimal Debian 13, from the mirror that this machine uses."""
    if os.geteuid() != 0:
        pytest.skip(
            "only root can change its root directory; test_reach.py runs the scripts' parts that need none"
        )
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        pytest.skip(
            f"{', '.join(missing)} is not here; test_reach.py runs the scripts' parts that need none"
        )
    listed = [
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
        "Component: main",
    ]
    mirrors = subprocess.run(listed, capture_output=True, text=True, check=False).stdout.split()
    directory = Path(tempfile.mkdtemp(prefix="root-"))
    try:
        root = directory / "bare"
        command = ["debootstrap", "--variant=minbase", "trixie", str(root), *mirrors[:1]]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-4000:]
        for name in ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf"):
            if Path(name).exists():
                shutil.copy(name, root / name.lstrip("/"))
        if CERTIFICATES.exists():
            shutil.copy(CERTIFICATES, root / "certificates.crt")
        yield root
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def machine(bare: Path) -> Iterator[Machine]:
    """A copy of it, for one test."""
    copy = bare.with_name("copy")
    subprocess.run(["cp", "--archive", "--reflink=auto", bare, copy], check=True)
    try:
        yield Machine(copy)
    finally:
        shutil.rmtree(copy)


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """The instructions of a Dockerfile: the word, and the rest with its continued lines."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


def build(machine: Machine, dockerfile: str, context: Path) -> tuple[list[str], list[str]]:
    """Run a Dockerfile's steps in a machine; return the entry point and the command."""
    entry: list[str] = []
    command: list[str] = []
    for word, rest in instructions(dockerfile):
        if word == "FROM":
            assert rest == "debian:trixie-slim"
        elif word == "RUN":
            machine.run("sh", "-c", rest)
        elif word == "COPY":
            *sources, target = rest.split()
            found = [Path(path) for source in sources for path in glob.glob(str(context / source))]
            assert found, rest
            for path in found:
                machine.copy(path, target)
        elif word == "ENV":
            name, _, value = rest.partition("=")
            machine.variables[name] = value
        elif word == "USER":
            machine.user = f"{rest}:100"
        elif word == "WORKDIR":
            machine.directory = rest
        elif word == "ENTRYPOINT":
            entry = json.loads(rest)
        elif word == "CMD":
            command = json.loads(rest)
        else:
            assert word == "EXPOSE", word
    return entry, command


def test_the_hub_s_image(machine: Machine, tmp_path: Path) -> None:
    context = tmp_path / "context"
    shutil.copytree(ROOT / "deploy", context / "deploy")
    command: Sequence[str] = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "-t",
        "wheel",
        "-d",
        str(context / "dist"),
    ]
    for project in (ROOT, ROOT / "jupyter", ROOT / "kube_embedded"):
        subprocess.run(command, cwd=project, check=True, capture_output=True)
    entry, command = build(
        machine, (ROOT / "deploy/hub/Dockerfile").read_text(encoding="utf-8"), context
    )
    # As Kubernetes mounts a learner's volume, with the variable of values.yaml.
    volume = machine.root / machine.directory.lstrip("/")
    os.chown(volume, 0, 100)
    volume.chmod(0o2775)
    refused = machine.run(*entry, "labkit", "up", check=False)
    assert refused.returncode == 7
    assert "LABKIT_TRUSTED_GROUP=users" in refused.stdout
    machine.variables["LABKIT_TRUSTED_GROUP"] = "users"
    assert ALL_PASSED in machine.run(*entry, "labkit", "demo").stdout
    assert (volume / "labkit" / "00-start.ipynb").exists()
    assert machine.run(*entry, *command, "--version").stdout.split()[-1].startswith("5.5.")
    assert "git version" in machine.run(*entry, "git", "--version").stdout
    assert "Client Version" in machine.run(*entry, "kubectl", "version", "--client").stdout
    assert machine.run(*entry, "id", "-u").stdout.split()[-1] == "1000"


def install(machine: Machine, *packages: str) -> None:
    machine.run("apt-get", "update", "-qq")
    machine.variables["DEBIAN_FRONTEND"] = "noninteractive"
    machine.run("apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages)
    machine.run("useradd", "--uid", "1000", "--create-home", "--shell", "/bin/bash", "learner")


def test_binder_s_scripts(machine: Machine) -> None:
    install(machine, "ca-certificates", "python3-venv")
    # repo2docker brings an environment of the Python in runtime.txt, and runs the scripts in the checkout as the user.
    assert (ROOT / "binder/runtime.txt").read_text() == "python-3.13\n"
    machine.run("python3.13", "-m", "venv", "/srv/notebook")
    machine.run("chown", "-R", "1000:1000", "/srv/notebook")
    machine.check_out("/home/learner", "1000:1000")
    machine.user, machine.directory = "1000:1000", "/home/learner"
    machine.variables["PATH"] = f"/srv/notebook/bin:{SYSTEM_PATH}"
    assert "labkit, version" in machine.run("binder/postBuild").stdout
    assert ALL_PASSED in machine.run("binder/start", "labkit", "demo").stdout
    assert machine.run("binder/start", "jupyter", "lab", "--version").stdout.startswith("4.")


def test_the_dev_container_s_script(machine: Machine) -> None:
    install(machine, "ca-certificates", "curl", "git", "make", "python3-venv")
    machine.check_out("/workspaces/labkit", "1000:1000")
    machine.user, machine.directory = "1000:1000", "/workspaces/labkit"
    said = machine.run(".devcontainer/create.sh").stdout
    assert "labkit: .venv is ready" in said
    assert "kind could not be installed" not in said, "it is not tried without Docker"
    assert ALL_PASSED in machine.run(".venv/bin/labkit", "demo").stdout
    # With Docker, and no way to kind's releases: said, and no reason to fail.
    docker = machine.root / "usr/local/bin/docker"
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)
    curl = machine.root / "usr/local/bin/curl"
    curl.write_text("#!/bin/sh\nexit 22\n")
    curl.chmod(0o755)
    said = machine.run(".devcontainer/create.sh").stdout
    assert "kind could not be installed; the embedded cluster needs none." in said
