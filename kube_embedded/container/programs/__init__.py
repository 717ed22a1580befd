"""The programs of the pods' images: a module is loaded when one of its programs is first run."""

from importlib import import_module

from .registry import PROGRAMS, Program

MODULES = {
    "apt": "apt-get apt apk",
    "archive": "tar",
    "curl": "curl",
    "system": "date sleep printenv hostname uname which stty tty yes id whoami getent",
    "files": "mkdir rm touch cp",
    "filters": "tr cut sort seq base64",
    "grep": "grep",
    "kubectl": "kubectl",
    "listing": "ls",
    "network": "nginx httpd-foreground pause nslookup wget",
    "run": "sh bash dash ash env timeout xargs",
    "sed": "sed",
    "text": "cat wc head tail dd",
}
"""Modules, and the names under which ``@program`` enters their programs."""

BUILTIN_PROGRAMS = frozenset({"true", "false", "echo", "printf", "test", "["})
"""Programs that do the same as the shell's builtin of their name, which runs for them."""

MODULE_OF = {name: module for module, names in MODULES.items() for name in names.split()}
"""The module of each program."""


def find_program(name: str) -> Program | None:
    """A program, loaded if need be; None if the lab's shell has no such program."""
    if name not in PROGRAMS and name in MODULE_OF:
        # Loading all modules would delay the first command of a lab.
        import_module(f"{__name__}.{MODULE_OF[name]}")
    return PROGRAMS.get(name)
