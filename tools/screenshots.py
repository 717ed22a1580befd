"""Take the docs' screenshots in a real JupyterLab on the embedded cluster.

    python -m tools.screenshots

Each shows what a learner sees after the same clicks.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

from tests.browser.jupyter import Jupyter, NotebookPage, running_jupyter
from tests.support.chromium import FLAGS, chromium
from tools.notebooks import notebook as build
from tools.notebooks import sources

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
SIZE: ViewportSize = {"width": 1280, "height": 940}
HOME = Path("/home/you")
"""The home directory in the screenshots."""
START = "from labkit import Lab\nfrom labkit.ui import *\nlab = Lab()\n_ = lab.rewind('W18')"


def main() -> int:
    """Take all pictures."""
    if not chromium():
        print("Chromium is not installed. On Debian: apt-get install chromium", file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with place() as (folder, state), running_jupyter(folder, "JupyterLab Light", state) as jupyter:
        take(jupyter)
    with place() as (folder, state), running_jupyter(folder, "JupyterLab Dark", state) as jupyter:
        take_dark(jupyter)
    for image in sorted(IMAGES.glob("*.png")):
        print(f"{image.stat().st_size // 1024:5} KiB  {image.relative_to(IMAGES.parents[1])}")
    return 0


@contextmanager
def place() -> Iterator[tuple[Path, Path]]:
    """A directory for JupyterLab, and one for labkit's state in ``HOME``.

    Where ``HOME`` exists or cannot be created, the state is in a temporary directory, whose path the
    screenshots then show.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            HOME.mkdir(mode=0o700)
        except OSError as error:
            print(f"The pictures show a temporary path: {error}", file=sys.stderr)
            yield Path(folder), Path(folder) / "you" / "labkit"
            return
        try:
            yield Path(folder), HOME / ".local" / "share" / "labkit"
        finally:
            shutil.rmtree(HOME)


def take(jupyter: Jupyter) -> None:
    """A step of a notebook, the X-ray of a 403, the matrix twice, the graph, the start panel, a finished board."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport=SIZE, device_scale_factor=1.25)
        notebook = NotebookPage(page, jupyter)
        source = next(source for source in sources() if source.stem == "04-roles")
        write(jupyter, "04-roles.ipynb", build(source, solved=True))
        notebook.open("04-roles.ipynb")
        notebook.run_all()
        show(notebook, "W15 · Ask without permission")
        page.screenshot(path=IMAGES / "start.png")

        ask = "XRay(lab.as_service_account('darbo/default').get('/api/v1/namespaces/kikai/services'), lab)"
        people = "['kikai/default', 'darbo/default']"
        jupyter.write(
            "widgets.ipynb",
            [
                START,
                ask,
                f"AccessMatrix(lab, {people}, namespace='kikai')",
                "RBACGraph(lab, who='darbo/default', request='list services', namespace='kikai')",
            ],
        )
        page.set_viewport_size({"width": 1280, "height": 1800})
        notebook.open("widgets.ipynb")
        notebook.run_all()
        notebook.widget("xray").screenshot(path=IMAGES / "xray.png")
        matrix = notebook.widget("matrix")
        matrix.screenshot(path=IMAGES / "matrix-before.png")
        notebook.run("lab.apply('04-roles/W18-rolebinding-test.yaml')")
        matrix.get_by_role("button", name="Ask again").click()
        matrix.get_by_text("yes ●").wait_for()
        matrix.screenshot(path=IMAGES / "matrix-after.png")
        graph = notebook.widget("graph")
        graph.get_by_role("button", name="Read again").click()
        graph.get_by_text("granted by the marked path").wait_for()
        graph.screenshot(path=IMAGES / "graph.png")

        jupyter.write(
            "board.ipynb",
            [
                "from labkit import Lab\nfrom labkit.ui import Board, StartPanel\nlab = Lab()",
                "StartPanel()",
                "Board(lab, '04-roles')",
            ],
        )
        notebook.open("board.ipynb")
        notebook.run_all()
        panel = notebook.widget("start")
        panel.get_by_text("Looking for Docker").wait_for(state="detached")
        panel.screenshot(path=IMAGES / "panel.png")
        notebook.widget("board").screenshot(path=IMAGES / "board.png")
        browser.close()


def take_dark(jupyter: Jupyter) -> None:
    """The token inspector in the dark theme."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1800}, device_scale_factor=1.25)
        notebook = NotebookPage(page, jupyter)
        jupyter.write(
            "token.ipynb",
            [
                START,
                "_ = lab.apply('03-service-accounts')",
                "TokenInspector(lab, lab.pod_token('default/curl-custom-sa'), "
                "lab.token('default/kikai'), titles=('mounted in the pod', 'asked for'))",
            ],
        )
        notebook.open("token.ipynb")
        notebook.run_all()
        notebook.widget("token").screenshot(path=IMAGES / "token-dark.png")
        browser.close()


def write(jupyter: Jupyter, name: str, document: object) -> None:
    """Put a notebook where JupyterLab finds it."""
    (jupyter.root / name).write_text(json.dumps(document))


def show(notebook: NotebookPage, heading: str) -> None:
    """Scroll a heading to the top."""
    notebook.page.get_by_role("heading", name=heading).evaluate(
        "(element) => element.scrollIntoView()"
    )


if __name__ == "__main__":
    sys.exit(main())
