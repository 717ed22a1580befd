"""``python -m labkit.apiserver.serving --home DIR``: the server as a process."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path

from labkit.apiserver.cluster import Cluster
from labkit.apiserver.serving.http import serve
from labkit.apiserver.serving.state import (
    StateInUse,
    load_keys,
    lock,
    private_directory,
    write_admin_kubeconfig,
    write_private,
)


async def run(home: Path, port: int, node: bool, era: str) -> None:
    """Serve until a signal says stop."""
    keys = load_keys(home)
    cluster = Cluster(keys, node=node, era=era)
    runner, port = await serve(cluster, port)
    url = f"https://127.0.0.1:{port}"
    write_admin_kubeconfig(home, keys, url)
    state = {"pid": os.getpid(), "port": port, "url": url, "node": node, "era": era}
    write_private(home / "server.json", json.dumps(state).encode())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    await runner.cleanup()
    cluster.close()
    (home / "server.json").unlink(missing_ok=True)


def main() -> int:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m labkit.apiserver.serving", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="directory of keys and state")
    parser.add_argument("--port", type=int, default=0, help="loopback port, 0 for any")
    parser.add_argument("--no-node", action="store_true", help="leave the node out: pods stay Pending")
    parser.add_argument("--era", choices=("now", "1.20"), default="now")
    options = parser.parse_args()
    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    home = private_directory(options.home)
    try:
        lock(home)
    except StateInUse:
        print(f"Another labkit server runs on {home}. Stop it with: labkit down", file=sys.stderr)
        return 3
    asyncio.run(run(home, options.port, not options.no_node, options.era))
    return 0


if __name__ == "__main__":
    sys.exit(main())
