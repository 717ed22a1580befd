"""In Pyodide: replay suites of recordings against the page's server, through ``http.client``."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit.backends.page import Page
from tests.parity import servers
from tests.parity.__main__ import summary
from tests.parity.accepted import Agreement
from tests.parity.suites import run
from tests.parity.transport import Https

agreement = Agreement.read()


@contextmanager
def fresh() -> Iterator[Https]:
    """A fresh cluster of the page without a node."""
    home = Path(tempfile.mkdtemp())
    with Page() as page:
        page.start_cluster(home, node=False, era="now")
        with servers.existing(home / "admin.conf", home / "pki") as transport:
            yield transport


found = {}
for suite in json.loads(question):  # type: ignore[name-defined]  # noqa: F821 - run.mjs sets it
    outcomes = list(run(suite, fresh, agreement, patience_seconds=0.2))
    differences = [each for outcome in outcomes for each in outcome.differences]
    found[suite] = {
        "summary": summary(suite, outcomes),
        "unlisted": [str(each) for each in agreement.unlisted(differences)],
        "differences": sorted({each.step for each in differences}),
    }
answer = json.dumps(found)
