"""``python -m kube_embedded --home DIR``: the server as a process.

With ``--program FILE`` the server ends with the program that holds a lock (flock) on the file, even if that program
is killed. If the file is in the server's directory, the server then removes the directory.

Exit codes: 0 after SIGTERM or SIGINT; 1 for a defect; 2 for a wrong command line; 3 when
another server runs on the directory; 4 when the directory cannot be used; 5 when its
database belongs to another version or to something else; 6 when the port is taken.
"""

import argparse
import json
import logging
import os
import shutil
import sys
from pathlib import Path

from .apiserver.serving.lean import defer_collection
from .apiserver.serving.pki import begin
from .apiserver.serving.state import (
    StateInUse,
    StateProblem,
    lock,
    open_home,
    unusable,
    write_private,
)
from .files import is_held, place
from .machinery.releases import ERAS
from .version import __version__

IN_USE, UNUSABLE, OTHER_VERSION, PORT_TAKEN = 3, 4, 5, 6


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m kube_embedded", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="directory of keys and state")
    parser.add_argument(
        "--port", type=int, default=0, help="loopback port; without it the last one, or any"
    )
    parser.add_argument(
        "--no-node", action="store_true", help="leave the node out: pods stay Pending"
    )
    parser.add_argument("--era", choices=ERAS, default="now", help="the version to answer as")
    parser.add_argument(
        "--program", type=Path, metavar="FILE", help="end when no process locks this file"
    )
    parser.add_argument(
        "--name", default="kube-embedded", help="of the node, and of the kubeconfig's context"
    )
    options = parser.parse_args()
    if not 0 <= options.port <= 65535:
        parser.error("--port must be between 0 and 65535")
    return options


def main() -> int:
    """Check the directory, serve, and return the exit code."""
    defer_collection()
    options = arguments()
    os.umask(0o077)
    home: Path = options.home
    try:
        home = open_home(options.home)
        held = lock(home)
        owner = {
            "pid": os.getpid(),
            "place": place(),
            "host": os.uname().nodename,
            "version": __version__,
            "name": options.name,
        }
        owner |= {"program": str(options.program)} if options.program else {}
        write_private(
            home / "server.json", json.dumps(owner).encode()
        )  # the rest follows when it serves
        making = begin(home, held)
        # Loaded only now, while the keys are generated.
        from . import process
        from .apiserver.serving.logs import log_to
        from .apiserver.storage.sqlite import StateUnusable

        if making is not None:
            process.load_server()
    except StateInUse as problem:
        return say(problem, IN_USE)
    except StateProblem as problem:
        return say(problem, UNUSABLE)
    except OSError as error:
        return say(unusable(home, error), UNUSABLE)
    try:
        admin = making() if making is not None else None
        log_to(home / "server.log")
        process.run(
            process.serve(home, owner, options.port, not options.no_node, options.era, admin)
        )
    except StateProblem as problem:
        return say(problem, UNUSABLE)
    except StateUnusable as problem:
        return say(problem, OTHER_VERSION)
    except process.PortTaken as problem:
        return say(problem, PORT_TAKEN)
    except OSError as error:
        return say(unusable(home, error), UNUSABLE)
    except Exception:
        logging.getLogger(__name__).exception("the server ended by a defect")
        return say(
            Exception(
                f"The server ended by a defect of its own; {home / 'server.log'} has the details."
            ),
            1,
        )
    os.close(held)
    if options.program and options.program.parent == home and not is_held(options.program):
        shutil.rmtree(home, ignore_errors=True)  # it was made for a program that has been killed
    return 0


def say(problem: Exception, code: int) -> int:
    """Write a problem to standard error, and return the exit code."""
    sys.stderr.write(f"{problem}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
