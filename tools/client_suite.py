"""Run a client's own test suite against a cluster of ``kube_embedded.testing``.

    python -m tools.client_suite kr8s CHECKOUT --python CHECKOUT/.venv/bin/python
    python -m tools.client_suite lightkube CHECKOUT … -- -k watch

``CHECKOUT`` is a clone of the client's repository; the interpreter of ``--python`` has the client and what its tests
need. Nothing is changed in the clone. The suite gets a fresh cluster, and the administrator's kubeconfig with a client
certificate in the variable KUBECONFIG. Words after ``--`` go to pytest. docs/testing.md has the results.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from kube_embedded import write_admin_kubeconfig
from kube_embedded.container.files import filesystem
from kube_embedded.testing import LocalCluster

LABELS = {"coredns": "kube-dns", "metrics-server": "metrics-server"}
"""Deployments in kube-system, whose pods the suites of kr8s and lightkube list: an embedded cluster has none there."""


def deployment(name: str, label: str) -> dict[str, Any]:
    """A deployment of two pods in kube-system."""
    labels = {"k8s-app": label}
    container = {"name": name, "image": "registry.k8s.io/pause:3.9"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


FILE_BYTES = 64 << 20
"""What a container's files may have here: kr8s' tests write 40 MiB with dd, and the server's own limit is lower."""

KIND = '''\
"""In the place of pytest-kind, which would start a cluster in Docker."""
import os, pathlib, shutil, subprocess

def pytest_addoption(parser):
    parser.addoption("--keep-cluster", action="store_true")

class KindCluster:
    def __init__(self, name=None, image=None):
        self.kubeconfig_path = pathlib.Path(os.environ["KUBECONFIG"])
        self.kubectl_path = pathlib.Path(shutil.which("kubectl"))

    def create(self):
        pass

    delete = create

    def kubectl(self, *words):
        command = [self.kubectl_path, "--kubeconfig", self.kubeconfig_path, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
'''


@dataclass(frozen=True)
class Suite:
    """What to run of a client's repository.

    Args:
        paths: The tests that need a cluster, below the checkout.
        options: Options for pytest.
    """

    paths: Sequence[str]
    options: Sequence[str] = ()


SUITES = {
    "kr8s": Suite(("kr8s",), ("-p", "pytest_kind.cluster", "-o", "addopts=")),
    "lightkube": Suite(("e2e-tests",), ("-o", "asyncio_mode=strict")),
    "kopf": Suite(("tests/e2e",), ("--only-e2e",)),
    "kubernetes": Suite(("kubernetes/e2e_test",)),
}


def run(
    suite: Suite, checkout: Path, python: str, words: Sequence[str], folder: Path
) -> dict[str, str]:
    """Run a suite against a fresh cluster; return each test and its result, nothing if pytest wrote no report."""
    stand_in = folder / "pytest_kind"
    stand_in.mkdir()
    (stand_in / "__init__.py").touch()
    (stand_in / "cluster.py").write_text(KIND, encoding="utf-8")
    filesystem.MAX_BYTES = FILE_BYTES
    with LocalCluster() as cluster:
        cluster.apply([deployment(name, label) for name, label in LABELS.items()])
        address = f"https://{cluster.cluster.address}"
        config = write_admin_kubeconfig(folder, cluster.cluster.keys, address)
        command = [python, "-m", "pytest", "-p", "no:cacheprovider", *suite.options]
        command += [f"--junit-xml={folder / 'report.xml'}", *(words or suite.paths)]
        environment = {**os.environ, "KUBECONFIG": str(config), "PYTHONPATH": str(folder)}
        environment.pop("PYTEST_ADDOPTS", None)
        subprocess.run(command, cwd=checkout, env=environment, check=False)
    report = folder / "report.xml"
    return results(report) if report.exists() else {}


def results(report: Path) -> dict[str, str]:
    """Read a JUnit report: each test and its result, such as ``failed: AssertionError``."""
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        result = "passed"
        for child in case:
            if child.tag in ("failure", "error", "skipped"):
                first = re.split(r"\n", child.get("message") or "")[0]
                result = f"{child.tag}: {first}"
        found[f"{case.get('classname')}::{case.get('name')}"] = result
    return found


def main(arguments: Sequence[str]) -> int:
    """Run a suite, and print its results by name. Returns 1 if a test failed, 2 if there is no report."""
    parser = argparse.ArgumentParser(prog="python -m tools.client_suite")
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--python", default=sys.executable, help="an interpreter with the client")
    parser.epilog = "What stands after -- goes to pytest, in the place of the suite's paths."
    split = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser.parse_args(arguments[:split])
    words = arguments[split + 1 :]
    suite = SUITES[options.suite]
    with tempfile.TemporaryDirectory(prefix="client-suite-") as folder:
        found = run(suite, options.checkout, options.python, words, Path(folder))
    if not found:
        print("pytest wrote no report", file=sys.stderr)
        return 2
    for name, result in sorted(found.items()):
        print(f"{name}  {result}")
    counts = Counter(result.partition(":")[0] for result in found.values())
    print(", ".join(f"{number} {what}" for what, number in sorted(counts.items())))
    return 1 if counts["failure"] or counts["error"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
