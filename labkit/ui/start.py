"""The start panel: the clusters that this machine can run, and buttons that start and stop one."""

import asyncio
import shlex
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from labkit import lessons
from labkit.backends.base import Need, Options
from labkit.backends.choice import find_needs, offered
from labkit.core import page
from labkit.core.errors import LabkitError
from labkit.core.home import home_path
from labkit.core.html import render
from labkit.core.language import LANGUAGES, language, listed, said, shown, text, use
from labkit.lab import work
from labkit.lab.backend import chosen
from labkit.lab.lab import Lab
from labkit.lessons.progress import Progress
from labkit.practice import keeping

from .base import LabWidget, html_table, text_table

ABOUT = {
    "embedded": ("Embedded", text("The lab's own small API server. No Docker, starts at once.")),
    "kind": ("kind", text("A real cluster in Docker, made by the program kind.")),
    "existing": ("Existing", text("A cluster you have, named by a kubeconfig.")),
}
EXPECTED_LINES = {"embedded": 2, "kind": 12, "existing": 3}
"""About how many lines of progress a start reports, for the bar."""


def _in_background(work: Callable[[], list[Need]], on_done: Callable[[list[Need]], None]) -> None:
    """Call ``work`` in a thread, then ``on_done`` in the kernel's thread, when the running cell has ended.

    Without a running loop, as in a script, both are called at once.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        on_done(work())
        return
    # With the cell's own context, the kernel knows which output the change belongs to.
    context = copy_context()

    def run() -> None:
        needs = work()
        # RuntimeError: the kernel ended before the work did.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(on_done, needs, context=context)

    threading.Thread(target=run, name="start-panel", daemon=True).start()


class StartPanel(LabWidget):
    """Choose, start, stop and rewind a cluster. ``panel.lab`` is the running lab.

    Args:
        kubeconfig: The file that names an existing cluster.
        home: The directory of the lab's state; ``LABKIT_HOME`` when left out.
    """

    def __init__(self, *, kubeconfig: str | Path | None = None, home: Path | None = None) -> None:
        super().__init__()
        self._home = home or home_path()
        self._kubeconfig = Path(kubeconfig).expanduser().absolute() if kubeconfig else None
        self._log: list[dict[str, Any]] = []
        self._percent = 0
        self._busy = False
        self.lab: Lab | None = self._running()
        options = Options(kubeconfig=self._kubeconfig)
        self._names = offered()
        self._needs = {
            name: find_needs(name, self._home, options) for name in self._names if name != "kind"
        }
        # Docker can take longer to answer than a learner waits for a widget.
        if "kind" in self._names:
            _in_background(partial(find_needs, "kind", self._home, options), self._show_kind)
        self._show()

    def on_start(self, backend: str) -> None:
        """Start a cluster (``embedded``, ``kind`` or ``existing``) and show its progress."""
        kubeconfig = self._kubeconfig if backend == "existing" else None
        started = time.perf_counter()
        self._log = []
        self._percent = 2
        self._busy = True

        def say(line: str) -> None:
            self._say(line, started)
            # The number of lines is an estimate: the bar is full only when the cluster is
            # ready.
            self._percent = min(95, round(100 * len(self._log) / EXPECTED_LINES[backend]))
            self._show()

        self._show()
        try:
            self.lab = Lab(backend, kubeconfig=kubeconfig, home=self._home, say=say)
            self._say(text("Ready"), started)
            self._percent = 100
        except LabkitError as error:
            self._percent = 0
            self.notice = str(error)
        finally:
            self._busy = False
            self._show()

    def on_stop(self) -> None:
        """Stop the running cluster."""
        if self.lab is not None:
            self.lab.stop()
            self._show()

    def on_rewind(self, step: str) -> None:
        """Rewind the cluster to the beginning of a step, such as ``W17``; empty for the first."""
        if self.lab is None:
            return
        started = time.perf_counter()
        if step:
            self.lab.rewind(step)
        else:
            self.lab.reset()
        self._say(text("Rewound to {step}", step or text("the beginning")), started)
        self._show()

    def on_pack(self, notebooks: dict[str, Any]) -> None:
        """Send the learner's work to the page, which saves it as a file with these notebooks."""
        self.send({"packed": work.pack(self.lab or Lab(home=self._home), notebooks)})

    def on_unpack(self, text: str, *, overwrite: bool = False) -> None:
        """Add the work in a file's text to this lab; objects that differ are changed with ``overwrite`` only."""
        progress, notebooks, objects = work.read(text)
        lab = self.lab or Lab(home=self._home)
        lab.progress.add(progress)
        self.send({"notebooks": notebooks, "left": work.load(lab, objects, overwrite=overwrite)})

    def on_speak(self, language: str) -> None:
        """Show all texts in another language, by its code; the work stays."""
        use(language)
        self._speak()
        self._show()
        self.notice = (
            ""
            if language == "en"
            else shown(text("The notebooks are in the folder {folder}.", language))
        )

    def as_text(self) -> str:
        """Return the running cluster and the line for a terminal; without one, the clusters that can run here."""
        said = self._sentence() or text_table(
            ["cluster", "can run here", "what is missing"], self._rows()
        )
        return f"{self.data['again']}\n{said}" if self.data["again"] else said

    def as_html(self) -> str:
        """Return the same, with an HTML table."""
        if self._sentence():
            return render("text.html", text=self.as_text())
        return html_table(
            ["cluster", "can run here", "what is missing"], self._rows(), caption=text("Clusters")
        )

    def _sentence(self) -> str:
        if not self.data["running"]:
            return ""
        runs = shown(
            text("The {cluster} cluster runs at {url}.", self.data["backend"], self.data["url"])
        )
        if not (line := self.data["terminal"]):
            return runs
        said = text("In a terminal, type this first. Then kubectl and labkit use this cluster.")
        return f"{runs}\n{shown(said)}\n\n{line}"

    def _terminal(self, lab: Lab) -> str:
        """Return the shell line with which kubectl and labkit use the lab's cluster in any terminal."""
        # JupyterLab's own terminals have these variables already (workbook.environment), but it is
        # not known where the learner opens one. A page has no terminal.
        if page.IN_PAGE:
            return ""
        variables = {
            "LABKIT_HOME": lab.home,
            "KUBECONFIG": lab.kubeconfig,
            "KUBECACHEDIR": lab.home / "kube-cache",
        }
        given = " ".join(f"{name}={shlex.quote(str(value))}" for name, value in variables.items())
        return f"export {given} PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"

    def _show_kind(self, needs: list[Need]) -> None:
        self._needs["kind"] = needs
        self._show()

    def _running(self) -> Lab | None:
        """Return the chosen cluster's lab if the cluster runs already."""
        with suppress(LabkitError):
            runs = chosen(self._home).status().running
            return Lab(home=self._home, start=False) if runs else None
        return None

    def _say(self, line: str, started: float) -> None:
        # A new list: traitlets sends no change when a list was changed in place.
        self._log = [*self._log, {"text": line, "seconds": f"{time.perf_counter() - started:.1f}"}][
            -40:
        ]

    def _rows(self) -> list[list[str]]:
        rows = []
        for name in self._names:
            if name not in self._needs:
                rows.append([name, text("not known yet"), text("run: labkit doctor")])
                continue
            missing = [need for need in self._needs[name] if need.required and not need.met]
            what = " ".join(
                f"{shown(need.thing)}: {shown(need.state).rstrip('.')}. {shown(need.todo)}"
                for need in missing
            )
            rows.append([name, text("no") if missing else text("yes"), what])
        return rows

    def _show(self) -> None:
        status = self.lab.status() if self.lab is not None and not self._busy else None
        self.data = {
            "backend": self.lab.backend.name if self.lab is not None else "",
            "running": bool(status and status.running),
            "url": status.url if status else "",
            "terminal": self._terminal(self.lab)
            if self.lab is not None and status and status.running
            else "",
            "busy": self._busy,
            "percent": self._percent,
            "log": [{**line, "text": said(line["text"])} for line in self._log],
            "again": keeping.reminder(
                keeping.read(Progress(self._home / "progress.json").drill())[0], time.time()
            ),
            "kubeconfig": str(self._kubeconfig or ""),
            "language": language(),
            "languages": LANGUAGES,
            "steps": [
                {"value": step.id, "label": listed([step.id, step.title], " ")}
                for lesson in lessons.LESSONS
                for step in lesson.steps
            ],
            "backends": [
                {
                    "name": name,
                    "title": ABOUT[name][0],
                    "about": ABOUT[name][1],
                    "known": name in self._needs,
                    "needs": [asdict(need) for need in self._needs.get(name, [])],
                }
                for name in self._names
            ],
        }
