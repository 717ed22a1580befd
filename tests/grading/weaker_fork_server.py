"""A fork server as on a machine that offers less: no control groups, or no namespaces either."""

from __future__ import annotations

import os
import sys

from labkit.grading.running import fork_server
from labkit.grading.walls import control_group, isolation

WITHOUT = "LABKIT_TEST_WITHOUT"
"""The variable that says what is missing: ``control groups`` or ``namespaces``."""


def main() -> int:
    """Serve as ``labkit.grading.running.fork_server`` does."""
    control_group.hierarchies = lambda *_: []
    if os.environ[WITHOUT] == "namespaces":
        isolation.strongest_level = lambda: "plain"
    return fork_server.main(int(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
