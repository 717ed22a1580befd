"""An extension of IPython: the kernel in the page runs each cell with the lab that all notebooks share."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import Any

import labkit_site
from pyodide.code import find_imports

LATER = {"kubernetes", "pydantic"}
"""What is fetched when a cell first imports it."""
PAUSE_SECONDS = 0.05
SOON = (
    "_strptime",
    "urllib3",
    "labkit.lab.cluster",
    "labkit.embedded.apiserver.registry.registry",
    "labkit.embedded.cluster",
    "labkit.backends.page.cluster",
    "labkit.lessons",
    "ipywidgets",
    "labkit.ui",
)
"""What the first cells import; it is loaded while the learner reads."""
CONTINUED = "The lab has gone on in another notebook or tab. Here it goes on from there."


class Shared:
    """The lab that this notebook shares with the others of the site."""

    def __init__(self) -> None:
        self.installed = False

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
        from labkit.backends import page

        if self.installed:
            return CONTINUED if newer and page.refresh() else ""
        said = page.install(self.read, labkit_site.write)
        self.installed = True
        return said

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0)  # labkit writes its snapshot when the cell has ended
        await labkit_site.leave()

    @staticmethod
    def read(name: str) -> bytes | None:
        """What is kept under a name."""
        kept = labkit_site.read(name)
        return None if kept is None else bytes(kept.to_py())


def load_ipython_extension(shell: Any) -> None:
    """Have the kernel's cells and widgets enter the shared lab first."""
    kernel, shared = shell.kernel, Shared()
    run, comm_msg = kernel.run, kernel.comm_manager.comm_msg
    answers: set[asyncio.Future[None]] = set()
    shell.Completer.use_jedi = False  # jedi is 33 MB, most of it stubs of what is not here

    async def run_cell(code: str) -> Any:
        if LATER & imports(code):
            await labkit_site.more()
        async with shared:
            return await run(code)

    def on_message(*message: Any) -> None:
        if not shared.installed:  # no cell was run: no widget knows the lab
            comm_msg(*message)
            return
        answers.add(task := asyncio.ensure_future(answer(lambda: comm_msg(*message))))
        task.add_done_callback(answers.discard)

    async def answer(handle: Callable[[], object]) -> None:
        async with shared:
            handle()

    kernel.run = run_cell
    kernel.comm_manager.comm_msg = on_message
    labkit_site.tell("ready", "")
    loop = asyncio.get_running_loop()
    loop.call_later(PAUSE_SECONDS, load_soon, loop, list(SOON))


def load_soon(loop: asyncio.AbstractEventLoop, names: list[str]) -> None:
    """Import the first module, and the others later, so that a cell need not wait for all of them."""
    importlib.import_module(names.pop(0))
    if names:
        loop.call_later(PAUSE_SECONDS, load_soon, loop, names)


def imports(code: str) -> set[str]:
    """The top-level names of what a cell imports."""
    try:
        return {name.split(".")[0] for name in find_imports(code)}
    except SyntaxError:
        return set()
