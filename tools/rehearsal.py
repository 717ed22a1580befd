"""Rehearse a release: install each distribution of a folder in an environment of its own, and run a command of it.

``make rehearsal`` does it for what ``make dist`` has built. The folder stands for PyPI: each distribution finds the others
of the repository in it, of the same version, and everything else in the index. A source distribution has to build the same
wheel.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

LOCAL_CLUSTER = """
from kube_embedded.testing import LocalCluster
with LocalCluster() as cluster:
    print(cluster.account("shop/web").refused("list", "pods"))
"""

TRIES = {
    "kube-embedded": ["python", "-c", LOCAL_CLUSTER],
    "kube-labkit-core": ["labkit", "rbac", "test", "policy.yaml", "questions.yaml"],
    "kube-labkit": ["labkit", "demo"],
}
"""What each distribution is tried with."""

FILES = {
    "policy.yaml": """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [pods], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}]
""",
    "questions.yaml": "questions: [{who: jane, may: list pods, may not: get pods}]\n",
}


def main(dist: Path) -> None:
    """Rehearse the release of what is in a folder. Ends with the first command that fails."""
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as scratch:
        for name, words in TRIES.items():
            check_source(dist, name, Path(scratch) / "source")
            try_out(dist, name, words, Path(scratch) / name)
            print(f"{name}: installed, and {words[0]} {words[1]} succeeded")


def check_source(dist: Path, name: str, scratch: Path) -> None:
    """Build a wheel of a source distribution, and compare its files with those of the wheel beside it."""
    stem = name.replace("-", "_")
    (archive,) = dist.glob(f"{stem}-*.tar.gz")
    (wheel,) = dist.glob(f"{stem}-*.whl")
    with tarfile.open(archive) as source:
        # As installers do: links that lead out of it are refused.
        source.extractall(scratch, filter="data")
    (folder,) = scratch.glob(f"{stem}-*")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(scratch), cwd=folder)
    names = [set(zipfile.ZipFile(path).namelist()) for path in (wheel, scratch / wheel.name)]
    if names[0] != names[1]:
        sys.exit(f"{archive.name} builds another wheel: {sorted(names[0] ^ names[1])}")


def try_out(dist: Path, name: str, words: list[str], folder: Path) -> None:
    """Install a distribution, and run a command of it in a home directory of its own."""
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    python = str(folder / "bin" / "python")
    run(uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(folder))
    install = [uv, "pip", "install", "--quiet", "--python", python, "--find-links", str(dist)]
    run(*install, name)
    home = folder / "home"
    home.mkdir()
    for file, text in FILES.items():
        (home / file).write_text(text, encoding="utf-8")
    run(str(folder / "bin" / words[0]), *words[1:], cwd=home, home=home)


def run(*command: str, cwd: Path = ROOT, home: Path | None = None) -> None:
    """Run a command, in this environment or with a home directory of its own; exit with its output if it fails."""
    variables = dict(os.environ)
    if home is not None:
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LABKIT_HOME": str(home / "lab"),
        }
    done = subprocess.run(
        command,
        cwd=cwd,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(command[:4])} …: {done.returncode}\n{done.stdout}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
