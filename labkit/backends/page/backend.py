"""The embedded cluster as a backend in a page of a browser."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from labkit.client.transport import Credentials, Endpoint, Transport
from labkit.core.language import text

from ..base import Options, Report, Status
from ..embedded import Embedded
from .page import Page


class PageBackend(Embedded):
    """The embedded cluster in this process. It uses the options node and era."""

    up, down = "Lab()", "lab.stop()"

    def __init__(self, home: Path, options: Options, page: Page) -> None:
        super().__init__(home, options)
        self._page = page
        self.traits = replace(self.traits, connect=self._connect, serve=page.loopback.serve)

    def _connect(self, endpoint: Endpoint, credentials: Credentials) -> Transport:
        cluster = self._page.clusters.get(self.home)
        return (
            cluster.connect(endpoint, credentials) if cluster else Transport(endpoint, credentials)
        )

    def _alive(self) -> bool:
        return self.home in self._page.clusters

    def _answers(self, patience_seconds: float = 0.0) -> bool:
        return self._alive()

    def _state(self) -> dict[str, Any]:
        cluster = self._page.clusters.get(self.home)
        return (
            {"pid": "this page", "url": cluster.url, "node": cluster.node, "era": cluster.era}
            if cluster
            else {}
        )

    def _spawn(self, report: Report) -> None:
        options = self.options
        self._page.start_cluster(
            self.home, node=options.node is not False, era=options.answers_as or "now"
        )

    def _says_ready(self, seconds: str) -> str:
        # Its address is no link: only the page's own requests reach it.
        return text("The embedded cluster runs in this page (ready in {took} s).", seconds)

    def status(self) -> Status:
        """Return the server's state; its files lie nowhere that a learner could open."""
        status = super().status()
        status.facts.pop("state", None)
        return status

    def _end(self, patience_seconds: float = 0.0) -> None:
        self._page.stop_cluster(self.home)
