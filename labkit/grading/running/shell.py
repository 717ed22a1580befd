"""The shell of a forked notebook: IPython's own, as a kernel has it, without the kernel's sockets and threads.

The fork server prepares it once; each fork enters it with a home directory of its own. The messages that a
kernel would send to its clients go to a function instead, with the same type and content.

A fork pays for each instruction, and more for each page of memory that it is the first to write to. So
cells skip the work for databases, observers and unusual syntax.

Source: https://jupyter-client.readthedocs.io/en/stable/messaging.html#messages-on-the-iopub-pub-sub-channel
"""

import asyncio
import atexit
import builtins
import getpass
import io
import os
import re
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from zlib import crc32

from ipykernel.compiler import get_tmp_directory
from ipykernel.displayhook import ZMQShellDisplayHook
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.autocall import IPyAutocall
from IPython.core.error import StdinNotImplementedError
from IPython.core.formatters import DisplayFormatter
from IPython.core.macro import Macro
from IPython.core.profiledir import ProfileDir
from IPython.lib import pretty
from jupyter_client.session import Session
from ptyprocess import PtyProcess
from traitlets import default, observe
from traitlets.config import Config

from . import messages
from .messages import STARTUP, OnCell, OnMessage
from .warm_up import CELLS, PLAIN_ATTRIBUTES

MAY_AWAIT = re.compile("await|async")

NOT_PYTHON = re.compile(r"^\s*([!%/,;>]|\.\.\.)|^(\[\w+\] )?In \[|\?|=\s*[!%]|\A\s", re.MULTILINE)
"""Text that IPython rewrites: a line that begins with one of its signs or a prompt, a question, a command's output."""

FIRST_WORD = re.compile(r"\w+")

TURNS = 32
"""How many turns the tasks that cells started get before the next cell."""

REWRITTEN = (Macro, IPyAutocall)
"""Objects that IPython calls if a cell begins with their name, besides magics."""


class _Messages(Session):
    """A kernel's session that hands its messages to a function, without ids."""

    on_message: OnMessage

    def msg(
        self, msg_type: str, content: dict[str, Any] | None = None, *_: Any, **_rest: Any
    ) -> dict[str, Any]:
        return {"header": {"msg_type": msg_type}, "msg_type": msg_type, "content": content}

    def send(
        self,
        stream: Any,
        msg_or_type: Any,
        content: dict[str, Any] | None = None,
        *_: Any,
        **_rest: Any,
    ) -> None:
        message = self.msg(msg_or_type, content) if isinstance(msg_or_type, str) else msg_or_type
        self.on_message(message["msg_type"], message["content"])


class OutStream(io.TextIOBase):
    """Standard output or error, without a buffer."""

    encoding = "UTF-8"

    def __init__(self, name: str, number: int, on_message: OnMessage) -> None:
        self.name = name
        self._number = number
        self._on_message = on_message

    def writable(self) -> bool:
        """Return True."""
        return True

    def flush(self) -> None:
        """Ignore the call, also if it is closed."""

    def fileno(self) -> int:
        """Return the file descriptor that subprocesses write to."""
        return self._number

    def write(self, text: str) -> int:
        """Write text."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if self.closed:
            raise ValueError("I/O operation on closed file")
        if text:
            self._on_message("stream", {"name": self.name, "text": text})
        return len(text)


class _DisplayHook(ZMQShellDisplayHook):
    """Publishes values; parses only cells with a semicolon to see whether they end with one."""

    shell: Any

    def quiet(self) -> bool:
        return ";" in self.shell.history_manager.input_hist_parsed[-1] and bool(super().quiet())


class _Formatter(DisplayFormatter):
    """Formats values; those that only ``repr`` shows, and formats that are not active, cost little."""

    formatters: Any
    active_types: Any

    def format(self, obj: Any, include: Any = None, exclude: Any = None) -> Any:
        if not (include or exclude or hasattr(type(obj), "_repr_mimebundle_")):
            include = self.active_types
            # An error in ``repr`` is left to super(), which shows its traceback.
            with suppress(Exception):
                if (
                    self.formatters["text/plain"].type_printers.get(type(obj))
                    is pretty._repr_pprint
                ):
                    return {"text/plain": repr(obj)}, {}
        return super().format(obj, include, exclude)


class NotebookShell(ZMQInteractiveShell):
    """Runs the cells of one notebook, in a process that was forked for it."""

    displayhook_class = _DisplayHook
    configurables: Any
    display_formatter: Any
    history_manager: Any
    input_transformers_post: Any
    prefilter_manager: Any
    extension_manager: Any
    displayhook: Any
    display_pub: Any
    payload_manager: Any
    transforms: Sequence[Any] = ()
    quitting = False
    """Whether a cell has ended the notebook."""
    _publish: OnMessage

    def _tee(self, channel: Any) -> Any:
        """Do not record the output: only ``%notebook`` would write it."""
        return nullcontext()

    def _format_exception_for_storage(self, *_: Any, **_rest: Any) -> dict[str, Any]:
        """Format no traceback a second time: only ``%notebook`` would write it."""
        return {}

    def init_display_formatter(self) -> None:
        """Make the formatter of values."""
        self.display_formatter = _Formatter(parent=self)
        self.configurables.append(self.display_formatter)

    def init_ipython_dir(self, *_: Any) -> None:
        """Skip this step: there is neither a home directory nor an environment before the fork."""

    init_profile_dir = init_environment = init_ipython_dir

    @default("profile_dir")
    def _make_profile_dir(self) -> ProfileDir:
        """Make the profile's directory when it is first needed."""
        profile: ProfileDir = ProfileDir.create_profile_dir_by_name(self.ipython_dir, "default")
        return profile

    def transform_cell(self, raw_cell: str) -> str:
        """Return a cell as Python, without tokenizing one that is Python already."""
        if (
            NOT_PYTHON.search(raw_cell)
            or self._begins_with_magic(raw_cell)
            or self._transforms() != self.transforms
        ):
            return str(super().transform_cell(raw_cell))
        return raw_cell if raw_cell.endswith("\n") else f"{raw_cell}\n"

    def _begins_with_magic(self, cell: str) -> bool:
        match = FIRST_WORD.match(cell)
        if match is None:
            return False
        word = match[0]
        is_magic = self.autocall or word in self.magics_manager.magics["line"]
        return bool(is_magic) or isinstance(self.user_ns.get(word), REWRITTEN)

    def _transforms(self) -> list[Any]:
        manager = self.input_transformer_manager
        lines = self.prefilter_manager
        transforms = [
            *manager.cleanup_transforms,
            *manager.line_transforms,
            *manager.token_transformers,
        ]
        return [*transforms, *self.input_transformers_post, *lines.transformers, *lines.checkers]

    def should_run_async(self, raw_cell: str, **keywords: Any) -> bool:
        """Return whether a cell awaits, without compiling one that cannot."""
        return bool(MAY_AWAIT.search(raw_cell) and super().should_run_async(raw_cell, **keywords))

    def enable_gui(self, gui: Any = None) -> None:
        """Skip this step: figures are shown in the notebook, and there is no screen for windows."""

    def ask_exit(self) -> None:
        """End the notebook after this cell, as ``exit`` and ``quit`` do in a kernel."""
        self.quitting = True

    @observe("exit_now")
    def _update_exit_now(self, _change: Any) -> None:
        self.ask_exit()

    def enter(self, home: Path, on_message: OnMessage) -> None:
        """Begin a notebook in a home directory, which is the working directory."""
        super().init_environment()
        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        self.home_dir = str(home)
        self.ipython_dir = f"{home}/.ipython"
        # The fork server has looked for a directory already, before the root was replaced.
        tempfile.tempdir = os.environ["TMPDIR"]
        os.makedirs(self.ipython_dir, exist_ok=True)
        self.history_manager.dir_hist[:] = [home]
        # As a kernel names cells, but by a hash that costs less.
        folder = get_tmp_directory()
        vars(self.compile)["get_code_name"] = lambda raw, *_: f"{folder}/{crc32(raw.encode())}.py"
        self._publish = self.displayhook.session.on_message = on_message
        for number, name in ((1, "stdout"), (2, "stderr")):
            stream = OutStream(name, number, on_message)
            vars(sys).update({name: stream, f"__{name}__": stream})

    async def run_cells(self, cells: Sequence[str], on_cell: OnCell) -> None:
        """Run cells as a kernel does, within a loop, until one ends the notebook. An error ends its cell."""
        loop: Any = asyncio.get_running_loop()
        runner: Any = asyncio.current_task()
        for number, source in enumerate(cells, 1):
            try:
                # A client does not send empty cells.
                if source.strip():
                    self._publish(
                        "execute_input", {"code": source, "execution_count": self.execution_count}
                    )
                    await self._run(source)
                    # In a kernel, tasks that cells started go on between cells.
                    for _ in range(TURNS):
                        if not (loop._ready or loop._scheduled or runner.cancelling()):
                            break
                        await asyncio.sleep(0)
            except BaseException as error:
                # A cell can cancel all tasks of the loop; a kernel does not run in one of them.
                if runner.cancelling():
                    runner.uncancel()
                else:
                    self._publish(
                        "error",
                        {"ename": type(error).__name__, "evalue": str(error), "traceback": []},
                    )
            on_cell(number)
            if self.quitting or loop._stopping:
                return

    async def _run(self, source: str) -> None:
        if self.payload_manager.read_payload():
            self.payload_manager.clear_payload()
        cell = ""
        if MAY_AWAIT.search(source):
            with suppress(Exception):
                cell = self.transform_cell(source)
        if not cell or not self.should_run_async(source, transformed_cell=cell):
            self.run_cell(source, store_history=True)
            return
        task = asyncio.ensure_future(
            self.run_cell_async(source, store_history=True, transformed_cell=cell)
        )
        loop = asyncio.get_running_loop()
        result = None
        signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(task.cancel))
        try:
            result = await task
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self.events.trigger("post_execute")
            self.events.trigger("post_run_cell", result)


def prepare_shell() -> NotebookShell:
    """Make the shell, and load the modules that its cells will need. It starts no thread."""
    config = Config({"HistoryManager": {"enabled": False, "hist_file": ":memory:"}})
    shell: NotebookShell = NotebookShell.instance(config=config)
    shell.display_formatter.active_types = list(messages.FORMATS)
    # Its names are builtins from here on: each change of builtins undoes Python's specialization of code.
    shell.builtin_trap.__enter__()
    shell.transforms = shell._transforms()
    session = _Messages()
    shell.displayhook.session = shell.display_pub.session = session
    names = dict(shell.user_ns)
    for name, traits in PLAIN_ATTRIBUTES.items():
        _simplify(getattr(shell, name) if name else shell, traits.split())
    # Libraries recognize a notebook by the name of its shell's class.
    for name in ("__name__", "__qualname__", "__module__"):
        setattr(type(shell), name, getattr(ZMQInteractiveShell, name))
    shell._publish = session.on_message = lambda _kind, _content: None
    # As a kernel's application does.
    shell.extension_manager.load_extension("storemagic")
    for source in STARTUP:
        shell.run_cell(source)
    with redirect_stdout(OutStream("stdout", 1, shell._publish)):
        asyncio.run(shell.run_cells(CELLS, lambda _count: None))
    shell.reset()
    shell.user_ns.update({**names, **shell.user_ns})
    # There is no input, so a debugger would end the notebook.
    sys.breakpointhook = lambda *_, **_rest: None
    builtins.input, getpass.getpass = partial(_refuse, "raw_input"), partial(_refuse, "getpass")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # They would write the history, which is not stored.
    atexit.unregister(shell.atexit_operations)
    # Each ``!command`` would wait for 0.1 s.
    PtyProcess.delayafterclose = property(lambda _: 0, lambda *_: None)
    return shell


def _simplify(obj: Any, traits: Sequence[str]) -> None:
    """Give an object a class of its own, in which these traits are plain attributes."""
    kind = type(obj)
    obj.__class__ = type(kind.__name__, (kind,), {name: getattr(obj, name) for name in traits})


def _refuse(name: str, *_: Any, **_rest: Any) -> NoReturn:
    raise StdinNotImplementedError(
        f"{name} was called, but this frontend does not support input requests."
    )
