"""The commands that are part of the shell itself; importing this package registers them all."""

from __future__ import annotations

from labkit.embedded.container.shell.builtins import commands, jobs, output, variables
from labkit.embedded.container.shell.builtins.table import BASH_ONLY, BUILTINS, SPECIAL_BUILTINS

__all__ = ["BASH_ONLY", "BUILTINS", "SPECIAL_BUILTINS", "commands", "jobs", "output", "variables"]
