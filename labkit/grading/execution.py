"""Execute a notebook's cells, in the learner's isolated process. Two ways with the same outcome.

``run_in_process`` executes them in this process, which was forked from the fork server;
``run_in_kernel`` in a real Jupyter kernel, which cells in IPython's own syntax (``%``, ``!``)
need. An error ends its cell, not the notebook; ``quit()`` ends the notebook.
"""

from __future__ import annotations

import ast
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import CodeType
from typing import Any, NoReturn

SIGNAL_BASE = 128
"""Exit code 128 + n stands for signal n, as in shells."""

OnCell = Callable[[int], None]
"""Called after each cell with the number of cells that have run."""


def is_python(cells: Sequence[str]) -> bool:
    """Return whether no cell needs IPython. One with a syntax error does not."""
    return not any(_has_magic(cell) or _awaits(cell) for cell in cells)


def run_in_process(cells: Sequence[str], on_cell: OnCell) -> int:
    """Execute cells in this process; the exit code is 0."""
    module = type(sys)("__main__")
    module.__dict__.update(__builtins__=__builtins__, quit=_quit, exit=_quit)
    sys.modules["__main__"] = module
    for number, source in enumerate(cells, 1):
        try:
            _run_cell(source, f"<cell {number}>", module.__dict__)
        except Quit:
            on_cell(number)
            break
        except (Exception, KeyboardInterrupt, SystemExit):
            _print_error()
        on_cell(number)
    return 0


def run_in_kernel(cells: Sequence[str], on_cell: OnCell) -> int:
    """Execute cells in a real kernel.

    Returns:
        The exit code of a kernel that ended before its notebook did, as a shell has it; else 0.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError
    from traitlets.config import Config

    empty: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    written = [{**empty, "id": f"cell-{number}", "source": source} for number, source in enumerate(cells)]
    read: Any = nbformat.from_dict
    notebook = read({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": written})
    count, code = 0, 0
    process: Any = None

    def started(**_facts: Any) -> None:
        nonlocal process
        process = client.km.provisioner.process  # the client forgets it when it has ended

    def executed(**_facts: Any) -> None:
        nonlocal count
        count += 1
        on_cell(count)

    # Unix sockets, in a directory of its own.
    config = Config({"KernelManager": {"transport": "ipc", "ip": str(Path.cwd() / "kernel")}})
    client: Any = NotebookClient(
        notebook,
        config=config,
        timeout=None,
        allow_errors=True,
        extra_arguments=["--DisplayFormatter.active_types=text/plain"],  # nothing else is kept
        on_cell_start=started,
        on_cell_executed=executed,
    )
    try:
        client.execute()
    except DeadKernelError:
        code = process.returncode or 0
    for cell in notebook.cells:
        for output in cell.outputs:
            sys.stdout.write(_as_text(output))
    return code if code >= 0 else SIGNAL_BASE - code


def _as_text(output: Mapping[str, Any]) -> str:
    """Convert a cell's output to text: what it printed, its error, or its value."""
    if output["output_type"] == "stream":
        return str(output["text"])
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}\n"
    return f"{output.get('data', {}).get('text/plain', '')}\n"


class Quit(SystemExit):
    """A cell ends the notebook."""


def _quit(*_code: object) -> NoReturn:
    """End the notebook, as ``quit`` and ``exit`` do in a kernel."""
    raise Quit


def _print_error() -> None:
    """Print a cell's error, without this module's frames."""
    kind, error, trace = sys.exc_info()
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    traceback.print_exception(kind, error, trace, limit=-4)


def _run_cell(source: str, name: str, scope: dict[str, Any]) -> None:
    """Run one cell, and print the value of its last expression as a kernel does."""
    tree = ast.parse(source, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    body: CodeType = compile(tree, name, "exec")
    exec(body, scope)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), name, "eval"), scope)
        if value is _quit:  # as in IPython, also without parentheses
            raise Quit
        if value is not None:
            sys.stdout.write(f"{value!r}\n")


def _has_magic(cell: str) -> bool:
    """Return whether a cell has lines in IPython's own syntax, and not within a string."""
    lines = cell.splitlines()
    if not any(line.lstrip().startswith(("%", "!", "?")) or "= !" in line or "= %" in line for line in lines):
        return False
    try:
        ast.parse(cell)
    except SyntaxError:
        return True
    except (ValueError, RecursionError, MemoryError):
        return False
    return False


def _awaits(cell: str) -> bool:
    """Return whether a cell awaits outside of functions, which only IPython allows."""
    if "await" not in cell and "async" not in cell:
        return False
    try:
        return bool(compile(cell, "", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT).co_flags & inspect.CO_COROUTINE)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
