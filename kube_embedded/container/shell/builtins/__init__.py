"""The commands that are part of the shell itself; importing this package registers them all."""

from ..builtin_table import BASH_ONLY, BUILTINS, SPECIAL_BUILTINS
from . import commands, values

__all__ = ["BASH_ONLY", "BUILTINS", "SPECIAL_BUILTINS", "commands", "values"]
