"""An extension of IPython: the kernel in the page runs each cell with the lab that all notebooks share."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.abc
import importlib.util
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipimport import zipimporter

import labkit_site
from pyodide.code import find_imports

import labkit.core.language as language

if TYPE_CHECKING:
    from labkit.backends.page import Page

LATER = {
    "annotated_types", "certifi", "charset_normalizer", "dateutil", "durationpy", "idna", "kubernetes",
    "oauthlib", "pydantic", "pydantic_core", "requests", "requests_oauthlib", "typing_inspection",
}  # fmt: skip
"""The official client and what it needs: fetched when a cell first imports one of them. (tools/site.py reads this.)"""
ARCHIVE, REST = "/lib/client.zip", "/lib/client_rest.zip"
"""Its files; nearly all of its API's classes and models are in the second, of which the lessons need none."""
RESTS = ("kubernetes.client.api", "kubernetes.client.models")
ARCHIVE_SECONDS = 3.0
"""How long they lie in the page's memory after an import; the next import fetches them again."""
JOINING = "labkit.classroom.joining"
PAUSE_SECONDS = 0.005
"""Between two imports, for a cell that waits."""
REST_SECONDS = 0.25
"""How long after a cell nothing is imported, for the next one may follow at once."""
ATTACH_SECONDS = 1.0
"""The same after JupyterLab has taken the kernel, for its first requests follow."""
SOON = (
    "zipfile", "labkit.backends.page", "importlib.metadata", "http.client", "urllib3", "_strptime", "yaml",
    "labkit.client.answer", "labkit.lessons.base", "labkit.client.discovery", "labkit.rbac.testing.mutants",
    "labkit.lab.lab", "kube_embedded.apiserver.registry.managed.fieldset",
    "kube_embedded.apiserver.registry.registry", "kube_embedded.apiserver.openapi.discovery",
    "kube_embedded.machinery.pki.keys", "kube_embedded.controllers.jobs", "kube_embedded.cluster",
    "labkit.backends.page.backend", "labkit.backends.page.cluster", "labkit.lessons", "asn1crypto.x509",
    "cryptography.x509", "ecdsa", "kube_embedded.machinery.pki.certificates",
    "kube_embedded.apiserver.registry.strategies.rbac", "kube_embedded.node.pod.pod",
    "kube_embedded.container.shell.control", "kube_embedded.container.programs.system", "ipywidgets",
    "psygnal", "anywidget", "jinja2", "encodings.unicode_escape", "labkit.ui", "labkit.ui.board", "labkit.ui.start",
    "labkit.ui.terminal", "IPython.core.magics.history", "kube_embedded.apiserver.registry.strategies.core",
    "kube_embedded.apiserver.registry.strategies.pods.strategy",
    "kube_embedded.apiserver.registry.strategies.events",
    "kube_embedded.apiserver.registry.strategies.network.services", "labkit.client.kubectl",
    "labkit.client.proxy", "kube_embedded.node.exec", "kube_embedded.container.shell.interactive",
    "kube_embedded.container.programs.run", "kube_embedded.container.programs.kubectl",
    "kube_embedded.container.programs.curl", "kube_embedded.container.programs.text",
    "kube_embedded.container.programs.grep", "kube_embedded.container.programs.apt", "jwt", "labkit.ui.token",
    "labkit.ui.xray", "labkit.ui.matrix", "labkit.ui.graph",
)  # fmt: skip
"""What the notebooks' cells import, in the order of their need, in parts of some 100 ms; it is loaded while the learner
reads."""
CLIENT = (
    "pydantic.main", "requests", "oauthlib.oauth2", "requests_oauthlib", "multiprocessing.pool", "dateutil.parser",
    "pydoc", "kubernetes", "kubernetes.client.api.apis_api",
)  # fmt: skip
"""The same of the official client."""
CLIENT_STEP = '"W4"'
"""The step in which it is used: no other notebook's tab should hold its 60 MiB."""
CONTINUED = "The lab has gone on in another notebook or tab. Here it goes on from there."


class Joining(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports a learner's side of a class, whose source lies beside the kernel: few labs join one."""

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> Any:
        """Find this module, and no other."""
        return importlib.util.spec_from_loader(name, self) if name == JOINING else None

    def get_source(self, _name: str) -> str:
        """Fetch the source."""
        source = fetched("joining.py")
        if not source:
            raise ImportError(
                "The class, or this page's site, does not answer. Try again when it does."
            )
        return source


class Client(importlib.abc.MetaPathFinder):
    """Has the official client's archives where Python imports from, while a module in them is imported.

    Args:
        forget_later: Called when an archive was needed.
    """

    def __init__(self, forget_later: Callable[[], None]) -> None:
        self._forget_later = forget_later

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, _target: object = None
    ) -> ModuleSpec | None:
        """Find what is in the second archive, to which ``sys.path`` does not lead."""
        if ARCHIVE not in sys.path or name.partition(".")[0] not in LATER:
            return None
        self._have(ARCHIVE)
        parent = name.rpartition(".")[0]
        if parent not in RESTS or PathFinder.find_spec(name, path):
            return None
        self._have(REST)
        return zipimporter(f"{REST}/{parent.replace('.', '/')}").find_spec(name)

    def _have(self, archive: str) -> None:
        if not Path(archive).exists():
            try:
                labkit_site.fetch_client_now(Path(archive).stem)
            except Exception as error:  # JavaScript's
                raise ImportError(
                    "This page's site does not answer. Try again when it does."
                ) from error
        self._forget_later()


def fetched(name: str) -> str:
    """The text of a file beside the kernel; empty where the site does not answer."""
    with contextlib.suppress(Exception):  # of JavaScript
        return str(labkit_site.fetch_text(name))
    return ""


class Shared:
    """The lab that this notebook shares with the others of the site."""

    def __init__(self) -> None:
        self.page: Page | None = None
        self.write = labkit_site.write

    async def __aenter__(self) -> None:
        newer = await labkit_site.enter()
        try:
            said = self.restore(newer)
        except BaseException:
            await labkit_site.leave()
            raise
        if said:
            print(said)

    def restore(self, newer: bool) -> str:
        """Put back what is kept, if this kernel does not have it; a sentence for the learner."""
        from labkit.backends.page import Page

        if self.page is not None:
            return CONTINUED if newer and self.page.refresh() else ""
        with contextlib.ExitStack() as undo:
            page = undo.enter_context(Page(self, site=labkit_site.site))
            said: str = page.restore()
            if said:
                import labkit_salvage

                said = f"{said} {labkit_salvage.offer(self.read('set-aside'), labkit_site.tell)}".rstrip()
            undo.pop_all()  # the page lasts as long as the kernel
        self.page = page
        if page.in_a_class:
            with contextlib.suppress(ImportError):
                importlib.import_module(JOINING).send_soon(page.home)
        return said

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0)  # labkit writes its snapshot when the cell has ended
        await labkit_site.leave()

    def read(self, name: str) -> bytes | None:
        """What is kept under a name."""
        kept = labkit_site.read(name)
        return None if kept is None else bytes(kept.to_py())


class Cells:
    """Knows whether a cell runs, or has just run, and whether JupyterLab has the kernel yet."""

    def __init__(self) -> None:
        self._running, self._next, self._attached = 0, 0.0, False

    def __enter__(self) -> None:
        self._running += 1

    def __exit__(self, *_: object) -> None:
        self._running -= 1
        self._next = time.monotonic() + REST_SECONDS

    async def wait_for_jupyterlab(self, attached: Awaitable[None]) -> None:
        """From when JupyterLab has the kernel on, its first requests come first, and cells."""
        await attached
        self._next, self._attached = time.monotonic() + ATTACH_SECONDS, True

    async def pause(self) -> None:
        """Wait until no cell has run for a while."""
        await asyncio.sleep(PAUSE_SECONDS if self._attached else 0)
        while self._running or time.monotonic() < self._next:
            await asyncio.sleep(REST_SECONDS)


def load_ipython_extension(shell: Any) -> None:
    """Have the kernel's cells and widgets enter the shared lab first."""
    kernel, shared = shell.kernel, Shared()
    run, comm_msg = kernel.run, kernel.comm_manager.comm_msg
    tasks: set[asyncio.Future[None]] = set()
    cells = Cells()
    forgetting: list[asyncio.TimerHandle] = []

    def forget_later() -> None:
        while forgetting:
            forgetting.pop().cancel()
        forgetting.append(
            asyncio.get_running_loop().call_later(ARCHIVE_SECONDS, labkit_site.forget_client)
        )

    sys.meta_path[:] = [Client(forget_later), *sys.meta_path, Joining()]
    sys.path.remove("")
    sys.path.append("")  # the notebooks' folder: each look into it asks the page's thread
    language.read = fetched
    shell.Completer.use_jedi = False  # jedi is 33 MB, most of it stubs of what is not here

    async def run_cell(code: str) -> Any:
        with cells:
            if LATER & imports(code):
                await fetch_client()
            elif CLIENT_STEP in code and labkit_site.has_client:
                begin(load_client(cells))
            async with shared:
                return await run(code)

    def on_message(*message: Any) -> None:
        if shared.page is None:  # no cell was run: no widget knows the lab
            comm_msg(*message)
            return
        begin(answer(lambda: comm_msg(*message)))

    def begin(work: Coroutine[Any, Any, None]) -> None:
        tasks.add(task := asyncio.ensure_future(work))
        task.add_done_callback(tasks.discard)

    async def answer(handle: Callable[[], object]) -> None:
        async with shared:
            handle()

    kernel.run = run_cell
    kernel.comm_manager.comm_msg = on_message
    labkit_site.tell("ready", "")
    begin(cells.wait_for_jupyterlab(labkit_site.attached))
    begin(load(SOON, cells))


async def fetch_client() -> None:
    """Have the official client where Python imports from."""
    if ARCHIVE not in sys.path:
        await labkit_site.fetch_client()
    if ARCHIVE not in sys.path:  # another cell may have fetched it meanwhile
        sys.path.insert(-1, ARCHIVE)


async def load_client(cells: Cells) -> None:
    """Import the official client, a module at a time, while no cell runs."""
    with contextlib.suppress(Exception):
        await fetch_client()
        await load(CLIENT, cells)


async def load(names: Iterable[str], cells: Cells) -> None:
    """Import some modules that cells will, each after a pause in which no cell ran."""
    for name in names:
        await cells.pause()
        importlib.import_module(name)


def imports(code: str) -> set[str]:
    """The top-level names of what a cell imports."""
    try:
        return {name.split(".")[0] for name in find_imports(code)}
    except SyntaxError:
        return set()
