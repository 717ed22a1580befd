"""What ``labkit grade`` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from labkit.grading.intake.exports import Deadline
    from labkit.grading.walls.isolation import Limits


@dataclass(frozen=True, kw_only=True, slots=True)
class GradingPlan:
    """The options of ``labkit grade``, which go together; its ``--help`` explains each.

    ``backend``, ``seconds``, ``out`` and ``overrides`` depend on one another where they are left out: see ``of``.
    """

    submissions: tuple[Path, ...]
    roster: Path | None
    duplicates: str
    due: str
    extensions: Path | None
    groups: Path | None
    late: str
    earlier: tuple[Path, ...]
    only: tuple[str, ...]
    overrides: Path
    overrides_template: bool
    out: Path
    slots: int | None
    seconds: float
    kernel: bool
    regrade: bool
    fresh: bool
    backend: str
    kubeconfig: Path | None
    context: str
    image: str | None
    without_kubectl: bool
    scheduler: str
    tls_ca: Path | None
    tls_cert: Path | None
    tls_key: Path | None
    trust: bool
    force: bool

    @classmethod
    def of(cls, **options: Any) -> Self:
        """Fill in what was left out of the options.

        Raises:
            click.UsageError: Options that do not go together.
        """
        backend = options["backend"] or ("existing" if options["kubeconfig"] else "embedded")
        real = backend != "embedded"
        if options["scheduler"] and (real or options["slots"] or options["trust"]):
            raise click.UsageError(
                "--scheduler goes without --backend, --kubeconfig, --places and --trust."
            )
        if options["extensions"] and not options["due"]:
            raise click.UsageError("--extensions goes with --due.")
        seconds = options["seconds"] or (300.0 if real else 60.0)
        out = options["out"] or Path(f"results-{backend}" if real else "results")
        overrides = options["overrides"] or out.with_name(f"{out.name}-overrides.csv")
        if options["overrides"] and not (options["overrides_template"] or overrides.exists()):
            raise click.UsageError(f"There is no {overrides}; --overrides-template writes one.")
        if options["overrides_template"] and overrides.exists():
            raise click.UsageError(f"There is a {overrides}: write into it, or move it away.")
        return cls(
            **{
                **options,
                "backend": backend,
                "seconds": seconds,
                "out": out,
                "overrides": overrides,
            }
        )

    @property
    def place(self) -> Literal["here", "dask", "real"]:
        """Where notebooks are graded."""
        if self.scheduler:
            return "dask"
        return "here" if self.backend == "embedded" else "real"

    def deadline(self) -> Callable[[Callable[[str], str]], Deadline] | None:
        """Make the deadline, once learners can be found; None without one."""
        from labkit.grading.intake.exports import Deadline, read_extensions, read_time

        if not self.due:
            return None
        due, table = read_time(self.due), self.extensions
        return lambda find: Deadline(due, read_extensions(table, find) if table else {})

    def limits(self) -> Limits:
        """What one submission may use."""
        from labkit.grading.walls.isolation import Limits

        return Limits(seconds=self.seconds, cpu_seconds=int(self.seconds) + 1)

    def tls_files(self) -> dict[str, str]:
        """The files for a connection to the Dask scheduler, by their names in Dask."""
        files = {
            "tls_ca_file": self.tls_ca,
            "tls_client_cert": self.tls_cert,
            "tls_client_key": self.tls_key,
        }
        return {name: str(path) for name, path in files.items() if path is not None}
