"""Execute a notebook's cells, in the learner's isolated process. Two ways with the same outcome.

``run_in_shell`` executes them in this process, which was forked from the fork server; ``run_in_kernel`` in
a real Jupyter kernel, which only notebooks that use the kernel itself need. An error ends its cell, not the
notebook; ``quit()`` ends the notebook.
"""

import asyncio
import atexit
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import messages
from .messages import SIGNAL_BASE, STARTUP, OnCell, OnMessage
from .shell import NotebookShell

KERNEL = re.compile(
    r"\.kernel\b|IPKernelApp|Application\.instance|connect(ion)?_(info|file)|%qtconsole"
)
"""Code that refers to things that only a real kernel has: itself, and its connection."""

ENDING_SECONDS = 5
"""How long threads and exit handlers get at the end, as in nbclient."""


def needs_kernel(cells: Sequence[str]) -> bool:
    """Return whether a cell probably uses a real kernel itself."""
    return any(KERNEL.search(cell) for cell in cells)


def run_in_shell(
    shell: NotebookShell, cells: Sequence[str], on_cell: OnCell, on_message: OnMessage
) -> int:
    """Execute cells in this process, in its home directory; the exit code is 0, or the one that a task exits with."""
    shell.enter(Path.cwd(), on_message)
    loop = asyncio.new_event_loop()
    code = 0
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(shell.run_cells(cells, on_cell))
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except (KeyboardInterrupt, RuntimeError):
        # A task has been interrupted, or a cell has stopped the loop.
        pass
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(ENDING_SECONDS)
    # Python 3.14 shows the interrupt of a thread that does not end.
    sys.unraisablehook = lambda _: None
    # An interpreter does this at its end, and ``os._exit`` does not.
    with suppress(KeyboardInterrupt):
        threading._shutdown()  # type: ignore[attr-defined]  # it has no other name
        atexit._run_exitfuncs()
    return code


def run_in_kernel(cells: Sequence[str], on_cell: OnCell, on_message: OnMessage) -> int:
    """Execute cells in a real kernel; return its exit code, as a shell has it, if it ended before its notebook."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError
    from traitlets.config import Config

    class Client(NotebookClient):
        def process_message(self, message: dict[str, Any], *place: Any) -> Any:
            on_message(message["msg_type"], message["content"])
            return super().process_message(message, *place)

    v4: Any = nbformat.v4
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in cells])
    process: Any = None

    def started(cell_index: int, **_facts: Any) -> None:
        nonlocal process
        on_cell(cell_index)
        # The client forgets it when it has ended, and then its exit code is needed.
        process = client.km.provisioner.process

    def executed(cell_index: int, execute_reply: Any, **_facts: Any) -> None:
        on_cell(cell_index + 1)
        if any(
            entry.get("source") == "ask_exit"
            for entry in execute_reply["content"].get("payload", ())
        ):
            raise EOFError

    with tempfile.TemporaryDirectory(
        prefix="kernel-", dir="/tmp", ignore_cleanup_errors=True
    ) as sockets:
        client: Any = Client(
            notebook,
            # Unix sockets, outside the home directory.
            config=Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/s"}}),
            timeout=None,
            allow_errors=True,
            extra_arguments=[
                *(f"--DisplayFormatter.active_types={name}" for name in messages.FORMATS),
                *(f"--IPKernelApp.exec_lines={line}" for line in STARTUP),
            ],
            on_cell_start=started,
            on_cell_executed=executed,
        )
        try:
            # Its standard output comes as messages, too.
            client.execute(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            on_cell(len(cells))
        except EOFError:
            # A cell has ended the notebook.
            return 0
        except DeadKernelError:
            code = int(process.returncode)
            return code if code >= 0 else SIGNAL_BASE - code
    return 0
