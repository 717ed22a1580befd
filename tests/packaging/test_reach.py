"""The project's public face: the distribution's name, the workflows, Binder's and the dev container's scripts, links."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import re
import subprocess
import threading
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from kube_embedded.tests.support.some import some
from labkit.core.version import CORE, DISTRIBUTION, OWN, __version__
from tools import links
from tools.site_pages import elsewhere

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

# An install command, or an extra, of PyPI's unrelated `labkit`; `uvx --from kube-labkit labkit` and the like are right.
WRONG = re.compile(
    r"pip3?['\"]? +install +(?:-\S+ +)*['\"]?labkit\b(?!/)|(?<!kube-)\blabkit\[|\buvx +labkit\b|\bpipx +run +labkit\b"
    r"|\b(?:uv +tool|pipx) +install +['\"]?labkit\b|--find-links +\S+ +labkit\b|--(?:from|spec) +['\"]?labkit\b"
)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def wrong_names(text: str) -> list[str]:
    return [found.group() for found in WRONG.finditer(text)]


@pytest.mark.slow
def test_no_tracked_file_names_the_unrelated_package() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    paths = [ROOT / name for name in filter(None, listed.split("\0"))]
    assert len(paths) > 500
    found = {}
    for path in paths:
        if path.is_file() and path != Path(__file__):
            found[str(path)] = wrong_names(path.read_text(encoding="utf-8", errors="ignore"))
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "line",
    [
        "pip install labkit",
        "pip install -U 'labkit'",
        "pip install --no-index --find-links wheels labkit",
        "pip install 'labkit[nbgrader]'",
        '"labkit[nbgrader,scale]"',
        "uvx labkit lab",
        "uvx --from labkit labkit lab",
        "pipx run labkit demo",
        "pipx run --spec labkit labkit demo",
        "uv tool install labkit",
        "pipx install labkit",
    ],
)
def test_a_wrong_name_is_found(line: str) -> None:
    assert wrong_names(line)


@pytest.mark.parametrize(
    "line",
    [
        "pip install kube-labkit",
        "pip install 'kube-labkit[nbgrader]'",
        "pip install 'kube-labkit-core[grade]'",
        "uvx --from kube-labkit labkit lab",
        "pipx run --spec kube-labkit labkit demo",
        "pip install --no-index --find-links wheels kube-labkit",
    ],
)
def test_a_right_name_is_not(line: str) -> None:
    assert wrong_names(line) == []


def test_the_distribution_has_one_name_and_one_version() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    whole = tomllib.loads(read("jupyter/pyproject.toml"))["project"]
    assert project["name"] == CORE == "kube-labkit-core"
    assert whole["name"] == DISTRIBUTION == "kube-labkit"
    assert project["dynamic"] == ["version"]
    assert {metadata.version(name) for name in OWN} == {whole["version"]} == {__version__}
    assert project["scripts"] == whole["scripts"] == {"labkit": "labkit.cli:main"}
    assert yaml.safe_load(read("CITATION.cff"))["version"] == __version__
    assert f"## {__version__}" in read("CHANGELOG.md")


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            yield from ((path.name, step) for step in job["steps"])


def test_workflows_name_actions_by_commit_and_version() -> None:
    names = {"kind.yml", "links.yml", "release.yml", "site.yml", "suites.yml", "tests.yml"}
    assert {path.name for path in WORKFLOWS} == names
    lines = [
        line
        for path in WORKFLOWS
        for line in path.read_text(encoding="utf-8").splitlines()
        if "uses:" in line
    ]
    assert len(lines) >= 10
    for line in some(lines):
        assert re.search(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_workflows_call_make_targets_that_are_there() -> None:
    called = {
        target
        for _, step in steps()
        for target in re.findall(r"^make ([\w-]+)$", step.get("run", ""), re.MULTILINE)
    }
    assert called == {
        *(
            "check",
            "test-all",
            "test-kind",
            "test-page",
            "dist",
            "rehearsal",
            "links",
            "site",
            "translations",
        ),
        "test-lowest",
    }
    assert ("suites.yml", {"run": "make ${{ matrix.target }}", "env": {"HOME": "/root"}}) in steps()
    suites = yaml.safe_load(read(".github/workflows/suites.yml"))["jobs"]["suite"]["strategy"][
        "matrix"
    ]["include"]
    called_by_matrix = {suite["target"] for suite in suites}
    assert called_by_matrix == {
        "test-browser",
        "test-hub",
        "test-page-node",
        "test-page-short",
        "test-reach",
    }
    makefile = read("Makefile")
    assert all(
        re.search(rf"^{target}:", makefile, re.MULTILINE)
        for target in some(called | called_by_matrix)
    )


def test_only_publishing_may_more_than_read() -> None:
    publishing = {
        "release.yml": {"id-token": "write"},
        "site.yml": {"id-token": "write", "pages": "write"},
    }
    for path in WORKFLOWS:
        workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert workflow["permissions"] == {"contents": "read"}
        more = {
            name: job["permissions"]
            for name, job in workflow["jobs"].items()
            if "permissions" in job
        }
        assert more == ({"publish": publishing[path.name]} if path.name in publishing else {})


def test_kind_is_the_same_version_everywhere() -> None:
    workflow = yaml.safe_load(read(".github/workflows/kind.yml"))
    assert f"\nversion={workflow['env']['KIND']} " in read(".devcontainer/install-kind.sh")
    images = workflow["jobs"]["kind"]["strategy"]["matrix"]["include"]
    assert len({image["tag"] for image in images}) == 3
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", image["digest"]) for image in some(images))


def test_the_dev_container_runs_a_script_that_is_there() -> None:
    text = re.sub(r"^\s*//.*$", "", read(".devcontainer/devcontainer.json"), flags=re.MULTILINE)
    script = ROOT / json.loads(text)["postCreateCommand"]
    called = [
        script,
        ROOT / ".devcontainer/install-kind.sh",
        ROOT / "binder/postBuild",
        ROOT / "binder/start",
    ]
    assert all(os.access(path, os.X_OK) for path in called)


@pytest.mark.parametrize("right", [True, False])
def test_kind_is_installed_only_with_the_right_checksum(tmp_path: Path, right: bool) -> None:
    programs, home = tmp_path / "bin", tmp_path / "home"
    programs.mkdir()
    home.mkdir()
    content = "#!/bin/sh\necho kind\n"
    (tmp_path / "kind").write_text(content)
    digest = hashlib.sha256(content.encode() if right else b"other").hexdigest()
    (tmp_path / "sum").write_text(f"{digest}  bin/kind-linux-amd64\n")
    curl = programs / "curl"
    # The arguments: …, --output FILE ADDRESS.
    curl.write_text(
        '#!/bin/sh\nwhile [ $# -gt 2 ]; do shift; done\ncase "$2" in\n'
        f'*.sha256sum) cp "{tmp_path}/sum" "$1" ;;\n*/kind-linux-*) cp "{tmp_path}/kind" "$1" ;;\n*) exit 1 ;;\nesac\n'
    )
    curl.chmod(0o755)
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(home),
        "TMPDIR": str(tmp_path),
    }
    script = ROOT / ".devcontainer" / "install-kind.sh"
    done = subprocess.run([script], env=environment, capture_output=True, text=True, check=False)
    installed = home / ".local" / "bin" / "kind"
    assert (done.returncode == 0, installed.exists()) == (right, right), done.stderr


def test_binder_starts_what_it_is_given_with_the_lab_s_variables(tmp_path: Path) -> None:
    command = 'echo "$LABKIT_HOME $KUBECONFIG $1"'
    done = subprocess.run(
        [ROOT / "binder" / "start", "sh", "-c", command, "sh", "a word"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    home = tmp_path / ".local" / "share" / "labkit"
    assert done.stdout == f"{home} {home}/admin.conf a word\n"


def test_every_link_between_our_own_files_leads_somewhere() -> None:
    assert links.broken_within(ROOT) == []


def repository(root: Path, **texts: str) -> Path:
    subprocess.run(["git", "init", "--quiet", root], check=True)
    for name, text in texts.items():
        (root / f"{name}.md").write_text(text)
    subprocess.run(["git", "-C", root, "add", "."], check=True)
    return root


def test_a_link_to_a_missing_file_or_heading_is_found(tmp_path: Path) -> None:
    text = "[a](b.md#the-end) [b](b.md#nope) [c](no.md) `[d](no.md)` ![e](no.svg) [f](#here)\n\n# Here\n"
    root = repository(tmp_path, a=text, b="# The `end`\n")
    assert links.broken_within(root) == [
        "a.md: b.md#nope: there is no such heading",
        "a.md: no.md: there is no such file",
        "a.md: no.svg: there is no such file",
    ]


class Pages(http.server.BaseHTTPRequestHandler):
    """Answers /200 with 200, and so on."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Do not log."""


def test_a_link_to_a_page_that_is_gone_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "EXAMPLE_HOSTS", set())
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        base = f"http://127.0.0.1:{server.server_port}"
        text = " ".join(f"[{code}]({base}/{code}#part)" for code in (200, 403, 404))
        found = links.broken_outside(repository(tmp_path, a=text + f" <{base}/410>"))
        server.shutdown()
        thread.join()
    assert found == [f"a.md: {base}/404: HTTP 404", f"a.md: {base}/410: HTTP 410"]


def test_the_published_page_leads_to_binder_and_codespaces() -> None:
    shown = elsewhere("someone/labkit-course", {})
    assert (
        "https://mybinder.org/v2/gh/someone/labkit-course/HEAD?urlpath=lab/tree/notebooks/00-start.ipynb"
        in shown
    )
    assert "https://codespaces.new/someone/labkit-course" in shown
    assert (ROOT / "notebooks" / "00-start.ipynb").is_file()
    assert elsewhere("", {}) == elsewhere('a/b"><script>', {}) == ""
