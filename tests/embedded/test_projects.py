"""The projects in examples/testing, run by pytest in a process of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "testing"


def run(project: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-c",
        os.devnull,
        "--rootdir=.",
        "-p",
        "no:schemathesis",
    ]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", *options],
        cwd=EXAMPLES / project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("project", "passed", "options"),
    [("restarter", 2, ()), ("cleaner", 2, ()), ("syncer", 4, ("-n", "2"))],
    ids=["kubernetes", "kr8s", "lightkube"],
)
def test_projects_pass(project: str, passed: int, options: tuple[str, ...]) -> None:
    done = run(project, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{passed} passed" in done.stdout


def test_an_operator_with_a_missing_right_fails_and_is_told_which() -> None:
    done = run("kopf_operator", "--durations=0", "-vv", "--show-capture=no")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    said = re.sub(r"^E +", "", done.stdout, flags=re.MULTILINE)
    assert 'lacked:\ncreate configmaps in the namespace "web"\nnever used:' in said
    assert (
        '# missing in a Role in the namespace "web":\n'
        '- apiGroups: [""]\nresources: ["configmaps"]\nverbs: ["create"]\n'
    ) in said
    assert "test_sites.py:" in done.stdout
    assert "testing/__init__.py" not in done.stdout
    took = re.search(r"([\d.]+)s call .*\[as it is\]", done.stdout)
    # It takes 0.2 s, on a busy machine longer; a timeout would be ten.
    assert took is not None
    assert float(took[1]) < 8


def test_the_page_shows_the_example_as_it_is() -> None:
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    files = "\n".join(
        path.read_text() for path in EXAMPLES.glob("kopf_operator/*") if path.is_file()
    )
    blocks = re.findall(r"```(?:python|yaml)\n# \w+\.(?:py|yaml)[^\n]*\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 4
    # The page's test has no parameter, which gives the other run the missing rule.
    shown = "".join(blocks[:3]).splitlines() + blocks[3].splitlines()[2:]
    assert [line for line in shown if line not in files] == []
