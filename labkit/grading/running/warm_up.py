"""Cells that the fork server runs before it forks, so that no notebook pays for their one-time costs.

Python 3.11 replaces instructions that have run several times by versions for the types that it saw, and a fork
inherits them (https://docs.python.org/3/whatsnew/3.11.html#pep-659-specializing-adaptive-interpreter).
"""

from inspect import getsource


class Sample:
    """An object whose attributes and methods the cells use."""

    number = 0.0
    word = "b"

    def chain(self, *_: object) -> object:
        """Return the object itself."""
        return self


LOADING = (
    # Tracebacks, syntax errors, magics, help and shell commands: IPython imports modules for each when it first occurs.
    "1 / 0",
    "(",
    "%pwd",
    "print?",
    "!true",
    # A cell that awaits uses another code path of IPython than all others.
    "import asyncio\nawait asyncio.sleep(0)",
    getsource(Sample),
    "sample = Sample()",
)
"""Cells that make IPython load what most notebooks make it load."""

SPECIALIZING = (
    "print(sample, 'b')",
    "sample",
    "sample.number",
    "sample.chain('b', {'c': 1}).word",
    "sample.chain()\nsample.word",
)
"""Cells after which Python has specialized IPython's own code, if they run often enough."""

# Python 3.11 specializes a function from its eighth call on (QUICKENING_WARMUP_DELAY in pycore_code.h).
CELLS = [*LOADING, *(16 * SPECIALIZING)]

PLAIN_ATTRIBUTES = {
    "displayhook": "shell session exec_result pub_socket _thread_local",
    "display_formatter": "formatters active_types",
    "display_trap": "hook",
    "history_manager": "shell input_hist_parsed input_hist_raw output_hist_reprs _i _ii _iii _i00 "
    "db_input_cache db_cache_size db_log_output",
    "payload_manager": "_payload",
    "": "execution_count history_manager ipython_dir last_execution_result last_execution_succeeded "
    "builtin_trap display_trap display_formatter payload_manager magics_manager autocall "
    "ast_transformers input_transformer_manager user_ns user_global_ns logger",
}
"""Traits that become plain attributes, by the shell's attribute that has them; its own under the empty name.

Each cell reads or writes them. A trait notifies observers of each change, and these have no observers.
"""
