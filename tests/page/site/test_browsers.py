"""The page works in every browser: a second visit, a new version, refused data, and work from elsewhere."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import labkit
from labkit.cli import cli
from labkit.lab.lab import Lab
from labkit.lessons.progress import Progress
from tests.browser.jupyter import SECONDS
from tests.page.site.browsers import ALL, refusing, stranger_in
from tests.page.site.conftest import SITE
from tests.page.site.lab import SiteNotebook
from tests.support.firefox import Firefox
from tools.site import edition_of
from tools.site_server import StaticSite, served

pytestmark = pytest.mark.page

START = "from labkit import Lab, check, predict\nlab = Lab()"
PASS_W9 = f"""{START}
lab.rewind("W9")
predict("W9", "default")
lab.admin.get("/api/v1/namespaces/default/serviceaccounts")
print(check("W9"))"""
MAKE = 'lab.apply({{"apiVersion": "v1", "kind": "Namespace", "metadata": {{"name": "{0}"}}}})'
IS_THERE = 'print(lab.admin.get("/api/v1/namespaces/{0}").status)'
IDLE_SECONDS = 30
CONTENTS = "window.jupyterapp.serviceManager.contents"
CELLS = f"""async (path) => (await {CONTENTS}.get(path, {{ content: true }})).content.cells
    .map(({{ source }}) => [source].flat().join(""))"""
LISTED = f"async () => (await {CONTENTS}.get('')).content.map(({{ name }}) => name)"
NOTICES = (
    "() => [...document.querySelectorAll('#labkit-loading, .labkit-notices p')].map(({ id }) => id)"
)
SAVE_FILE = """() => {
    const plain = URL.createObjectURL;
    URL.createObjectURL = (blob) => {
        blob.text().then((text) => { window.savedFile = text; });
        return plain.call(URL, blob);
    };
    document.querySelector(".lk-start [data-key=pack]").click();
}"""
"""Presses "Save my work as a file", and keeps the file's text."""
ADD_FILE = """(text) => {
    const input = document.querySelector(".lk-start input[type=file]");
    const files = new DataTransfer();
    files.items.add(new File([text], "labkit-work.json"));
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
}"""
"""Gives the panel a file, as a learner's choice does."""


@pytest.mark.soak
def test_a_second_visit_continues_and_stays_quiet(visitor: SiteNotebook) -> None:
    tab, landing = visitor.page, visitor.host.url
    tab.goto(landing, timeout=SECONDS)
    tab.evaluate("() => document.getElementById('open').click()")
    visitor.ready("00-start.ipynb")
    assert "W9 passed" in visitor.run(PASS_W9)
    visitor.wait_until_kept()
    tab.goto(landing, timeout=SECONDS)
    begins = "() => document.getElementById('open').textContent.startsWith('Continue with')"
    tab.wait_for_function(begins, timeout=SECONDS)
    tab.goto(f"{visitor.lab}?path=00-start.ipynb", timeout=SECONDS)
    tab.evaluate("() => { window.sameVisit = true; }")
    visitor.ready("00-start.ipynb")
    time.sleep(IDLE_SECONDS)
    assert tab.evaluate("() => window.sameVisit"), "the page was reloaded"
    assert tab.evaluate(NOTICES) == []
    assert "W9 passed" in visitor.run(f'{START}\nprint(check("W9"))')


@pytest.mark.parametrize("kind", ALL)
def test_a_browser_that_refuses_all_data_has_the_lab_and_a_banner(
    kind: str, browser: Any, host: StaticSite, tmp_path: Path
) -> None:
    with refusing(kind, browser, tmp_path, host) as visitor:
        visitor.page.goto(host.url, timeout=SECONDS)
        visitor.page.evaluate("() => document.getElementById('open').click()")
        visitor.ready("00-start.ipynb")
        visitor.run(START)
        assert visitor.run(IS_THERE.format("default")) == "200\n"
        assert "your progress ends" in visitor.notice("memory")
        assert "labkit-loading" not in visitor.page.evaluate(NOTICES)


@pytest.mark.soak
def test_a_private_window_of_firefox_keeps_the_lab_until_it_is_closed(
    host: StaticSite, tmp_path: Path
) -> None:
    """Those of the other two are private anyway: Playwright's contexts, and WebKit's automation."""
    with Firefox(tmp_path, {"browser.privatebrowsing.autostart": True}) as firefox:
        visitor = SiteNotebook(firefox, host)
        visitor.open("00-start.ipynb")
        visitor.run(START)
        visitor.run(MAKE.format("private"))
        visitor.open("01-api-server.ipynb")
        visitor.run(START)
        assert visitor.run(IS_THERE.format("private")) == "200\n"


@pytest.mark.soak
@pytest.mark.parametrize("kind", ALL)
def test_a_new_version_is_offered_and_replaces_the_old_one_whole(
    kind: str, browser: Any, tmp_path: Path
) -> None:
    shutil.copytree(SITE, tmp_path / "site")
    (tmp_path / "profile").mkdir()
    script = tmp_path / "site" / "static" / "loading.js"
    worker = tmp_path / "site" / "service-worker.js"
    with (
        served(tmp_path / "site") as host,
        stranger_in(kind, browser, tmp_path / "profile", host) as visitor,
    ):
        tab = visitor.page
        visitor.begin("version", [START, MAKE.format("stays")])
        visitor.run_all()
        visitor.wait_until_kept()
        script.write_text(script.read_text() + "\nwindow.labkitVersion = 'new';\n")
        worker.write_text(
            re.sub(r"(const VERSION = `labkit-.*)`", r"\1-new`", worker.read_text(), count=1)
        )
        visitor.open("version.ipynb")
        button = "document.querySelector('#labkit-version button')"
        tab.wait_for_function(f"() => {button}", timeout=SECONDS)
        assert "A new version" in visitor.notice("version")
        assert tab.evaluate("() => window.labkitVersion ?? 'old'") == "old"
        tab.evaluate(f"() => {button}.click()")
        tab.wait_for_function("() => window.labkitVersion === 'new'", timeout=SECONDS)
        visitor.ready("version.ipynb")
        visitor.run(START)
        assert visitor.run(IS_THERE.format("stays")) == "200\n"


def test_lessons_are_renewed_and_changed_ones_kept_beside_the_new(visitor: SiteNotebook) -> None:
    """As an earlier version of the site left them: untouched, changed, and from before notebooks had editions."""

    def earlier(name: str, *, edition: bool = True, changed: bool = False) -> dict[str, Any]:
        notebook: dict[str, Any] = json.loads((SITE / "files" / name).read_text())
        notebook["cells"] = notebook["cells"][:3]
        notebook["metadata"].pop("labkit_edition")
        if edition:
            notebook["metadata"]["labkit_edition"] = edition_of(notebook)
        if changed:
            notebook["cells"][-1]["source"] = "mine"
        return notebook

    tab = visitor.page

    def ready() -> None:
        tab.goto(visitor.lab, timeout=SECONDS)
        tab.wait_for_function("() => window.jupyterapp?.serviceManager?.contents", timeout=SECONDS)
        tab.evaluate("() => window.jupyterapp.restored.then(() => null)")

    ready()
    untouched, changed, old = (
        "01-api-server.ipynb",
        "02-inside-a-pod.ipynb",
        "exercises/ex1-api-server.ipynb",
    )
    saved = {
        untouched: earlier(untouched),
        changed: earlier(changed, changed=True),
        old: earlier(old, edition=False),
        "own.ipynb": earlier(untouched, changed=True),
    }
    save = f"""(notebooks) => Promise.all(Object.entries(notebooks).map(([path, content]) =>
        {CONTENTS}.save(path, {{ type: "notebook", format: "json", content }}))).then(() => null)"""
    tab.evaluate(save, saved)
    ready()
    tab.wait_for_function("() => document.getElementById('labkit-renewed')", timeout=SECONDS)
    assert f"beside them: {changed}, {old}." in visitor.notice("renewed")
    for path, source in ((untouched, untouched), ("02-inside-a-pod (new).ipynb", changed)):
        shipped = json.loads((SITE / "files" / source).read_text())
        assert tab.evaluate(CELLS, path) == ["".join(cell["source"]) for cell in shipped["cells"]]
    for path in (changed, old, "own.ipynb"):
        assert tab.evaluate(CELLS, path) == [
            "".join(cell["source"]) for cell in saved[path]["cells"]
        ]
    ready()
    assert [name for name in tab.evaluate(LISTED) if "(new" in name] == [
        "02-inside-a-pod (new).ipynb"
    ]


@pytest.mark.soak
def test_an_export_is_pasted_here_and_back(visitor: SiteNotebook) -> None:
    Progress.default().mark("W15", "passed")
    visitor.begin(
        "pasted",
        [f"{START}\nimport labkit", f"labkit.import_progress({labkit.export_progress()!r})"],
    )
    visitor.run_all()
    assert (
        visitor.run("lab.progress.mark('W16', 'passed'); print(lab.progress.passed('W15'))")
        == "True\n"
    )
    labkit.import_progress(visitor.run("print(labkit.export_progress())"))
    assert Progress.default().passed("W16")


@pytest.mark.soak
def test_the_work_goes_home_and_comes_back_as_one_file(
    visitor: SiteNotebook, tmp_path: Path
) -> None:
    tab = visitor.page
    visitor.begin(
        "mine", [f"{START}\nfrom labkit.ui import StartPanel\nStartPanel()", "'written by me'"]
    )
    visitor.run_all()
    visitor.run(f"{MAKE.format('mine')}; lab.progress.mark('W9', 'passed')")
    tab.wait_for_function(
        "() => document.querySelector('.lk-start [data-key=pack]')", timeout=SECONDS
    )
    tab.evaluate(SAVE_FILE)
    tab.wait_for_function("() => window.savedFile", timeout=SECONDS)
    (tmp_path / "work.json").write_text(tab.evaluate("() => window.savedFile"))
    command("load", tmp_path / "work.json", "--dir", tmp_path / "home")
    assert "written by me" in (tmp_path / "home" / "mine.ipynb").read_text()
    lab = Lab(say=lambda _line: None)
    assert lab.progress.passed("W9")
    assert lab.admin.get("/api/v1/namespaces/mine").status == 200
    lab.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "made-at-home"}})
    lab.progress.mark("W10", "passed")
    command("save", tmp_path / "back.json", "--dir", tmp_path / "home")
    lab.stop()
    tab.evaluate(ADD_FILE, (tmp_path / "back.json").read_text())
    said = "() => document.querySelector('.lk-start details [role=status]')?.textContent"
    tab.wait_for_function(f"() => ({said})() === 'Your work is here.'", timeout=SECONDS)
    assert visitor.run(IS_THERE.format("made-at-home")) == "200\n"
    assert visitor.run("print(lab.progress.passed('W10'))") == "True\n"


def command(*words: object) -> None:
    """Run ``labkit work``."""
    done = CliRunner().invoke(cli, ["work", *map(str, words)])
    assert done.exit_code == 0, done.output
