"""The command ``labkit``.

A command's module is imported when the command is called, and a command's imports happen when it
runs, so that ``labkit --help`` imports neither a client nor a notebook server. ``labkit.core.errors``
has the exit codes.
"""

import importlib
import os
import signal
import sys
from typing import Any, NoReturn

import click

from labkit.core.errors import LabkitError, UsageError, near
from labkit.core.language import text
from labkit.core.libraries import missing
from labkit.core.version import __version__

from .output import report

MODULES = {
    "cluster": ("up", "down", "status", "reset", "kubeconfig"),
    "machine": ("doctor", "clean", "completion"),
    "notebooks": ("lab", "slides"),
    "lessons": ("demo", "check"),
    "drill": ("drill",),
    "classroom": ("class",),
    "pods": ("exec", "proxy"),
    "work": ("work",),
    "bundle": ("bundle",),
    "rbac": ("rbac",),
    "grading": ("grade",),
    "course": ("course",),
    "task": ("task",),
}
COMMANDS = {name: f"labkit.cli.{module}" for module, names in MODULES.items() for name in names}
"""The module of each command, in the order of ``--help``."""

# 128 + SIGINT, as a shell reports a program that Ctrl-C has ended.
INTERRUPTED = 130


class Commands(click.Group):
    """A group that imports a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order of ``COMMANDS``."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name])
        command = getattr(module, f"{cmd_name}_command")
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, and suggest one for a mistyped name.

        Raises:
            UsageError: When there is no such command.
        """
        if (
            args
            # click sets resilient_parsing while a shell completes a word, which may be half of
            # a name.
            and not ctx.resilient_parsing
            and args[0] not in COMMANDS
            and not args[0].startswith("-")
        ):
            raise UsageError(
                text('labkit has no command "{args}".', args[0]), todo=near(args[0], COMMANDS)
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command.

        Raises:
            Missing: When it needs a library that only kube-labkit installs.
        """
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            name = (error.name or "").partition(".")[0]
            # A module of our own is always there, so its absence is a defect.
            if name in ("", "kube_embedded", "labkit"):
                raise
            raise missing(name) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="labkit")
def cli() -> None:
    """Learn in Jupyter how Kubernetes decides who may do what.

    Begin with `labkit lab`, which opens the notebooks, or `labkit demo`, which shows
    the whole walkthrough in the terminal. Exit codes: 0 success, 1 a checkpoint is not
    passed, or something else went wrong, 2 wrong usage, 3 no cluster runs, 4 the cluster did not start or does not
    answer, 5 something is missing on this machine, 6 the API server refused, 7 the
    state directory cannot be used, 130 interrupted.
    """


def main() -> NoReturn:
    """Run the command line and exit with its exit code."""
    # A shell starts background jobs with SIGINT ignored; a SIGINT that is sent to one is meant.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command line with the words after ``labkit``, and return its exit code."""
    try:
        # standalone_mode=False: click neither exits nor prints errors itself, so each kind of
        # error gets the exit code that labkit documents.
        result = cli.main(arguments, prog_name="labkit", standalone_mode=False)
    except LabkitError as error:
        click.echo(f"labkit: {error}", err=True)
        return error.exit_code
    # click's own messages have the usage and a hint at --help; labkit's have a way out.
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        # click raises Abort for Ctrl-C at a prompt. The terminal has printed ^C, so a new line
        # begins.
        report("\nlabkit: interrupted")
        return INTERRUPTED
    # Before OSError, of which it is a subclass. `labkit … | head` has read enough, which is no
    # error. Python flushes standard output at its exit, so that has to lead elsewhere
    # (docs.python.org, signal: Note on SIGPIPE).
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # A full disk and the like: a sentence for learners, the traceback for those who look
        # for the cause.
        if os.environ.get("LABKIT_DEBUG"):
            raise
        click.echo(f"labkit: {_refused(error)}", err=True)
        return 1
    return result if isinstance(result, int) else 0


def _refused(error: OSError) -> LabkitError:
    """The error for an OSError that no other code has translated."""
    return LabkitError(
        text("{filename} cannot be used.", error.filename)
        if error.filename
        else "The system refused something.",
        why=error.strerror or str(error),
        todo="Name another place, or check the permissions and the free space of this one. "
        "(LABKIT_DEBUG=1 shows where it happened.)",
    )
