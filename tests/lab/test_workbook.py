from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from jupyterlab_server.settings_utils import _get_overrides
from jupyterlab_server.translation_utils import _get_installed_language_pack_locales

from kube_embedded.tests.support.until import SECONDS
from labkit.core import resources
from labkit.core.errors import UsageError
from labkit.lab import workbook


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide the notebooks of an installation."""
    source = tmp_path / "shipped"
    (source / "source").mkdir(parents=True)
    (source / "images").mkdir()
    (source / "00-start.ipynb").write_text("v1")
    (source / "01-api.ipynb").write_text("v1")
    (source / "source" / "00-start.py").write_text("secret solution")
    (source / "instructor").mkdir()
    (source / "instructor" / "01-api.ipynb").write_text("secret solution")
    (source / "images" / "parts").mkdir()
    (source / "images" / "parts" / "a.svg").write_text("<svg/>")
    monkeypatch.setattr(resources, "notebooks", lambda: source)
    return source


def test_copies_are_made_without_the_sources(shipped: Path, labkit_home: Path) -> None:
    made = workbook.prepare()
    assert made.directory == labkit_home / "notebooks"
    files = {str(p.relative_to(made.directory)) for p in made.directory.rglob("*") if p.is_file()}
    assert files == {"00-start.ipynb", "01-api.ipynb", "images/parts/a.svg", workbook.RECORD}


def test_an_instructor_gets_the_answers_too(shipped: Path, tmp_path: Path) -> None:
    target = workbook.prepare(tmp_path / "mine").directory
    assert not (target / "instructor").exists()
    workbook.prepare(tmp_path / "mine", instructor=True)
    assert (target / "instructor" / "01-api.ipynb").read_text() == "secret solution"
    assert not (target / "source").exists()
    first = "instructor/01-api.ipynb"
    assert f"--LabApp.default_url=/lab/tree/{first}" in workbook.jupyter_command(
        target, True, first=first
    )
    (shipped / "instructor" / "01-api.ipynb").write_text("a newer one")
    workbook.prepare(tmp_path / "mine")
    assert (target / first).read_text() == "secret solution", "a learner's start leaves it alone"


def test_work_is_never_overwritten_and_untouched_copies_follow(
    shipped: Path, tmp_path: Path
) -> None:
    target = workbook.prepare(tmp_path / "mine").directory
    (target / "00-start.ipynb").write_text("my work")
    for name in ("00-start.ipynb", "01-api.ipynb"):
        (shipped / name).write_text("v2")
    again = workbook.prepare(tmp_path / "mine")
    assert (target / "00-start.ipynb").read_text() == "my work"
    assert (target / "01-api.ipynb").read_text() == "v2"
    assert again.outdated == ("00-start.ipynb",)
    assert (target / "00-start-new.ipynb").read_text() == "v2"
    assert "00-start-new.ipynb" in workbook.unchanged(target)
    (target / "00-start-new.ipynb").write_text("my work in the new one")
    (shipped / "00-start.ipynb").write_text("v3")
    assert workbook.prepare(tmp_path / "mine").outdated == ("00-start.ipynb",)
    assert (target / "00-start-new.ipynb").read_text() == "my work in the new one"
    (target / "00-start.ipynb").rename(target / "mine.ipynb")
    assert workbook.prepare(tmp_path / "mine").outdated == ()
    assert (target / "00-start.ipynb").read_text() == "v3"


def test_touched_copies_of_an_unchanged_notebook_are_no_news(shipped: Path, tmp_path: Path) -> None:
    target = workbook.prepare(tmp_path / "mine").directory
    (target / "01-api.ipynb").write_text("my work")
    assert workbook.prepare(tmp_path / "mine").outdated == ()
    assert (target / "01-api.ipynb").read_text() == "my work"


def test_a_place_that_cannot_be_written_is_said(shipped: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="Name another place"):
        workbook.prepare(tmp_path / "file" / "x")


def test_jupyterlab_opens_the_first_notebook(
    shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = workbook.prepare()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert workbook.jupyter_command(made.directory, True, ["--port", "9"]) == [
        sys.executable,
        "-P",
        "-c",
        workbook.JUPYTERLAB,
        f"--ServerApp.root_dir={made.directory}",
        "--LabApp.default_url=/lab/tree/00-start.ipynb",
        "--LabApp.expose_app_in_browser=True",
        "--LanguageServerManager.autodetect=False",
        "--no-browser",
        "--port",
        "9",
    ]
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--allow-root" in workbook.jupyter_command(made.directory, False)


def test_ctrl_c_while_jupyterlab_loads_leaves_no_traceback() -> None:
    early = "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT});"
    early += "os.kill(os.getpid(), signal.SIGINT); os.execv(sys.executable, [sys.executable, '-c', sys.argv[1]])"
    command = [sys.executable, "-c", early, workbook.JUPYTERLAB]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_kernels_share_the_state_and_leave_kubes_directory_alone(labkit_home: Path) -> None:
    environment = workbook.environment()
    assert environment["LABKIT_HOME"] == str(labkit_home)
    assert environment["KUBECACHEDIR"].startswith(str(labkit_home))


def test_a_terminal_finds_labkit_and_the_labs_cluster(
    labkit_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/somebody/elses")
    environment = workbook.environment()
    assert shutil.which("labkit", path=environment["PATH"]) == str(
        Path(sys.executable).with_name("labkit")
    )
    assert environment["PATH"].endswith(os.environ["PATH"])
    assert environment["KUBECONFIG"] == str(labkit_home / "admin.conf")
    existing = labkit_home / "existing"
    existing.mkdir()
    (existing / "kubeconfig").write_text("{}")
    (labkit_home / "backend.json").write_text('{"backend": "existing"}')
    (existing / "cluster.json").write_text('{"kubeconfig": "/a", "context": "b"}')
    assert workbook.environment()["KUBECONFIG"] == str(existing / "kubeconfig")


def test_jupyters_own_state_lies_with_ours(
    labkit_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in workbook.JUPYTERS_PLACES:
        monkeypatch.delenv(name, raising=False)
    environment = workbook.environment()
    for name, place in workbook.JUPYTERS_PLACES.items():
        assert environment[name] == str(labkit_home / "jupyter" / place)
    page = labkit_home / "jupyter" / "config" / "labconfig" / "page_config.json"
    workbook.configure(environment)
    assert json.loads(page.read_text()) == {"disabledExtensions": {workbook.ANNOUNCEMENTS: True}}
    page.write_text("{}")
    workbook.configure(environment)
    assert page.read_text() == "{}"
    shutil.rmtree(page.parent)
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", "/mine")
    workbook.configure(workbook.environment())
    assert not page.parent.exists(), "settings that JupyterLab does not read"
    assert workbook.environment()["JUPYTER_CONFIG_DIR"] == "/mine"


def locale_of_jupyterlab(app_settings: Path) -> str:
    """Return the locale of JupyterLab's server for a learner who has chosen none in its menu."""
    overrides, error = _get_overrides(str(app_settings))
    assert error == ""
    return str(overrides[workbook.TRANSLATION]["locale"])


def test_jupyterlab_speaks_korean_with_its_pack_and_for_korean_learners_only(
    labkit_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in workbook.JUPYTERS_PLACES:
        monkeypatch.delenv(name, raising=False)
    environment = workbook.environment()
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", environment["JUPYTER_CONFIG_DIR"])
    for lang, installed, locale in [
        ("ko", True, "ko_KR"),
        ("ko", False, "default"),
        ("ko_KR.UTF-8", True, "ko_KR"),
        ("en", True, "default"),
    ]:
        monkeypatch.setenv("LABKIT_LANG", lang)
        monkeypatch.setattr(workbook, "HAS_KOREAN", installed)
        workbook.configure(environment)
        assert locale_of_jupyterlab(tmp_path) == locale, (lang, installed)
    assert not (labkit_home / "jupyter" / "config" / "lab").exists(), "the learner's own settings"
    defaults = labkit_home / "jupyter" / "config" / "labconfig" / "default_setting_overrides.json"
    defaults.write_text('{"other": {"a": 1}}')
    workbook.configure(environment)
    assert json.loads(defaults.read_text())["other"] == {"a": 1}


def test_the_korean_pack_is_one_that_jupyterlab_finds() -> None:
    locales, error = _get_installed_language_pack_locales()
    assert error == ""
    assert ("ko_KR" in locales) == workbook.HAS_KOREAN
