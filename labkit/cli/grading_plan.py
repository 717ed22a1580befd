"""The options of ``labkit grade``, and what follows from those that were left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labkit.core.language import said

if TYPE_CHECKING:
    from collections.abc import Callable

    from labkit.grading.intake.exports import Deadline
    from labkit.grading.walls.isolation import Limits


SECONDS = 60.0
SECONDS_ON_A_REAL_CLUSTER = 300.0
"""The wall-clock time of one notebook. On a real cluster it waits for images and controllers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GradingPlan:
    """The options of ``labkit grade`` as they were given; its ``--help`` explains each.

    Raises:
        click.UsageError: Options that do not go together.
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
    overrides: Path | None
    overrides_template: bool
    out: Path | None
    slots: int | None
    seconds: float | None
    kernel: bool
    regrade: bool
    fresh: bool
    backend: str | None
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

    # Contradictions are refused here, before an archive is unpacked or a cluster starts.
    def __post_init__(self) -> None:
        if self.scheduler and (self.on_real_cluster or self.slots or self.trust):
            raise click.UsageError(
                said("--scheduler goes without --backend, --kubeconfig, --places and --trust.")
            )
        if self.extensions and not self.due:
            raise click.UsageError(said("--extensions goes with --due."))
        table = self.overrides_table
        if self.overrides and not (self.overrides_template or table.exists()):
            raise click.UsageError(
                said("There is no {overrides}; --overrides-template writes one.", table)
            )
        # A table holds the teacher's decisions, so it is never overwritten.
        if self.overrides_template and table.exists():
            raise click.UsageError(
                said("There is a {overrides}: write into it, or move it away.", table)
            )

    @property
    def cluster(self) -> str:
        """The kind of cluster; a kubeconfig implies an existing one."""
        return self.backend or ("existing" if self.kubeconfig else "embedded")

    @property
    def on_real_cluster(self) -> bool:
        """Whether the cluster is not an embedded one."""
        return self.cluster != "embedded"

    @property
    def results(self) -> Path:
        """The folder of results. Each kind of real cluster has its own, so that scores can be compared."""
        return self.out or Path(f"results-{self.cluster}" if self.on_real_cluster else "results")

    @property
    def overrides_table(self) -> Path:
        """The table of the teacher's corrections, by default beside the results, which ``--fresh`` clears."""
        return self.overrides or self.results.with_name(f"{self.results.name}-overrides.csv")

    def deadline(self) -> Callable[[Callable[[str], str]], Deadline] | None:
        """Return a function that makes the deadline, once learners can be found; None without one."""
        from labkit.grading.intake.exports import Deadline, read_extensions, read_time

        if not self.due:
            return None
        due = read_time(self.due)
        table = self.extensions
        return lambda find: Deadline(due, read_extensions(table, find) if table else {})

    def limits(self) -> Limits:
        """Return the limits of one submission."""
        from labkit.grading.walls.isolation import Limits

        usual = SECONDS_ON_A_REAL_CLUSTER if self.on_real_cluster else SECONDS
        seconds = self.seconds or usual
        # One second more of processor time: a busy loop then ends by the time limit, which the result names.
        return Limits(seconds=seconds, cpu_seconds=int(seconds) + 1, kernel=self.kernel)

    def tls_files(self) -> dict[str, str]:
        """The files for a connection to the Dask scheduler, by their names in Dask."""
        files = {
            "tls_ca_file": self.tls_ca,
            "tls_client_cert": self.tls_cert,
            "tls_client_key": self.tls_key,
        }
        return {name: str(path) for name, path in files.items() if path is not None}
