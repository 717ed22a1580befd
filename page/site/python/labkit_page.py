"""An extension of IPython: the kernel in the page runs each cell with the lab that all notebooks share."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.abc
import importlib.util
import sys
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any

import labkit_site
from pyodide.code import find_imports

import labkit.core.language as language

if TYPE_CHECKING:
    from labkit.backends.page import Page

LATER = {"kubernetes", "pydantic"}
"""What is fetched when a cell first imports it."""
ARCHIVE = "/lib/client.zip"
JOINING = "labkit.classroom.joining"
PAUSE_SECONDS = 0.005
"""Between two imports, for a cell that waits."""
REST_SECONDS = 0.25
"""How long after a cell nothing is imported, for the next one may follow at once."""
SOON = (
    "_strptime", "urllib3", "labkit.lab.lab", "labkit.embedded.apiserver.registry.registry",
    "labkit.embedded.cluster", "labkit.backends.page.backend", "labkit.backends.page.cluster", "labkit.lessons",
    "asn1crypto.x509", "cryptography.x509", "ecdsa", "labkit.embedded.machinery.pki.certificates",
    "labkit.embedded.apiserver.registry.strategies.rbac", "labkit.embedded.node.pod.pod",
    "labkit.embedded.container.shell.control", "labkit.embedded.container.programs.elementary", "ipywidgets",
    "psygnal", "anywidget", "jinja2", "encodings.unicode_escape", "labkit.ui", "labkit.ui.board", "labkit.ui.start",
    "labkit.ui.terminal", "IPython.core.magics.history", "labkit.embedded.apiserver.registry.strategies.core",
    "labkit.embedded.apiserver.registry.strategies.pods.strategy",
    "labkit.embedded.apiserver.registry.strategies.events",
    "labkit.embedded.apiserver.registry.strategies.network.services", "labkit.client.kubectl", "labkit.client.proxy",
    "labkit.embedded.node.exec", "labkit.embedded.container.shell.interactive",
    "labkit.embedded.container.programs.run", "labkit.embedded.container.programs.kubectl",
    "labkit.embedded.container.programs.curl", "labkit.embedded.container.programs.text",
    "labkit.embedded.container.programs.grep", "labkit.embedded.container.programs.apt", "jwt", "labkit.ui.token",
    "labkit.ui.xray", "labkit.ui.matrix", "labkit.ui.graph",
)  # fmt: skip
"""What the notebooks' cells import, in the order of their need; it is loaded while the learner reads."""
CLIENT = (
    "pydantic.main", "requests", "oauthlib.oauth2", "requests_oauthlib", "multiprocessing.pool", "dateutil.parser",
    "pydoc", "kubernetes", "kubernetes.client.api.apis_api", "kubernetes.client.models.v1_volume",
    "kubernetes.client.models.v1_container", "kubernetes.client.models.v1_pod",
    "kubernetes.client.models.v1_persistent_volume", "kubernetes.client.models.v1_node",
    "kubernetes.client.api.core_v1_api",
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
            raise ImportError("The class, or this page's site, does not answer. Try again when it does.")
        return source


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
    """Knows whether a cell runs, or has just run."""

    def __init__(self) -> None:
        self._running, self._next = 0, 0.0

    def __enter__(self) -> None:
        self._running += 1

    def __exit__(self, *_: object) -> None:
        self._running -= 1
        self._next = time.monotonic() + REST_SECONDS

    async def pause(self) -> None:
        """Wait until no cell has run for a while."""
        await asyncio.sleep(PAUSE_SECONDS)
        while self._running or time.monotonic() < self._next:
            await asyncio.sleep(REST_SECONDS)


def load_ipython_extension(shell: Any) -> None:
    """Have the kernel's cells and widgets enter the shared lab first."""
    kernel, shared = shell.kernel, Shared()
    run, comm_msg = kernel.run, kernel.comm_manager.comm_msg
    tasks: set[asyncio.Future[None]] = set()
    cells = Cells()
    sys.meta_path.append(Joining())
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
    begin(load(SOON, cells))


async def fetch_client() -> None:
    """Have the official client where Python imports from."""
    await labkit_site.fetch_client()
    if ARCHIVE not in sys.path:
        sys.path.append(ARCHIVE)


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
