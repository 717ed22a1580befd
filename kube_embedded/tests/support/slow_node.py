"""The embedded server with a node whose pods take their time, as a real one's do.

python -m kube_embedded.tests.support.slow_node SECONDS --home DIR …
"""

from __future__ import annotations

import sys
from typing import Any

from kube_embedded import __main__ as server
from kube_embedded.node.pod.pod import Pod


def delay(seconds: float) -> None:
    """Have each pod begin to set up its containers so many seconds after it was bound to the node."""
    begin = Pod.__init__

    def late(self: Pod, *arguments: Any, **options: Any) -> None:
        begin(self, *arguments, **options)
        self._due = self.now() + seconds

    Pod.__init__ = late  # type: ignore[method-assign]  # the product's node has no such delay


if __name__ == "__main__":
    delay(float(sys.argv.pop(1)))
    sys.exit(server.main())
