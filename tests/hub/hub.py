"""A JupyterHub of two Unix users on loopback, and helpers for browsers and kernel clients."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import websocket

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROXY = HERE / "node_modules" / ".bin" / "configurable-http-proxy"
PATIENCE_SECONDS = 120.0
"""How long a loaded machine may take for one thing; a quiet one takes some seconds."""


def why_not() -> str:
    """Why no hub of two Unix users can be had here; empty if one can."""
    if os.geteuid() != 0:
        return "only root can make two Unix users; tests/hub/test_volumes.py and tests/security need none"
    missing = [
        name
        for name in ("useradd", "userdel", "chpasswd", "node", "unshare")
        if not shutil.which(name)
    ]
    if missing:
        return f"not here: {', '.join(missing)}; tests/hub/test_volumes.py and tests/security need none"
    return "" if PROXY.exists() else "the proxy is not here: make test-hub installs it with npm"


def until(what: Callable[[], Any], text: str) -> Any:
    """Wait until a function returns something true; its result."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := what()):
        assert time.monotonic() < deadline, text
        time.sleep(0.2)
    return found


def free_port() -> int:
    """A port that is free now."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


def reachable(path: Path) -> bool:
    """Return whether every user of the machine can enter all directories above a path."""
    return all(above.stat().st_mode & 0o001 for above in path.parents)


def opened(*paths: Path) -> list[str]:
    """A shell's lines that let other users reach these paths, in a mount namespace of its own.

    If this Python or this checkout is in root's own home, an empty file system hides the home, and only the
    path is put back. Users get no rights for it.
    """
    lines, hidden = [], set()
    for number, path in enumerate(dict.fromkeys(path.resolve() for path in paths)):
        if reachable(path):
            continue
        closed = next(above for above in reversed(path.parents) if not above.stat().st_mode & 0o001)
        lines.append(f"mkdir -p kept/{number} && mount --bind {path} kept/{number}")
        hidden.add(closed)
    lines += [f"mount -t tmpfs -o mode=755 none {closed}" for closed in sorted(hidden)]
    for number, path in enumerate(dict.fromkeys(path.resolve() for path in paths)):
        if not reachable(path):
            lines.append(f"mkdir -p {path} && mount --bind kept/{number} {path}")
    return lines


class User:
    """A Unix user of this machine, and their hub's API.

    Args:
        name: The name; the password is made up.
        uid: An unused number, also in containers on this machine: all its processes are killed.
    """

    def __init__(self, name: str, uid: int) -> None:
        self.name, self.password = name, secrets.token_hex(12)
        # The home is world-readable, as with Debian's useradd: labkit must protect its own files.
        made = [
            "useradd",
            "--create-home",
            "--user-group",
            "--uid",
            str(uid),
            "-K",
            "HOME_MODE=0755",
            name,
        ]
        subprocess.run(made, check=True)
        subprocess.run(["chpasswd"], input=f"{name}:{self.password}\n", text=True, check=True)
        self.home = Path(f"~{name}").expanduser()
        self.uid = uid
        self.token = ""

    @property
    def lab(self) -> Path:
        """The user's ``LABKIT_HOME``."""
        return self.home / ".local" / "share" / "labkit"

    def processes(self) -> dict[int, str]:
        """The user's processes, and their command lines."""
        found = {}
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                # What has ended, and is only not waited for yet, has no command line.
                if entry.stat().st_uid == self.uid and (command := (entry / "cmdline").read_text()):
                    found[int(entry.name)] = command.replace("\0", " ")
        return found

    def kill(self) -> None:
        """Kill every process of the user at once, as a machine that dies would."""
        while processes := self.processes():
            for pid in processes:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def remove(self) -> None:
        """Remove the user and the home."""
        self.kill()
        command = ["userdel", "--remove", self.name]
        # A process that has ended counts until its parent, or init, has waited for it.
        until(
            lambda: subprocess.run(command, capture_output=True).returncode == 0,
            f"{self.name} is not removed",
        )


@dataclass
class Kernel:
    """A kernel, through the hub's proxy.

    Args:
        socket: Its WebSocket.
        id: Its id on its server.
    """

    socket: websocket.WebSocket
    id: str
    session: str = field(default_factory=lambda: uuid.uuid4().hex)

    def run(self, code: str) -> str:
        """Run a cell; return its output, with the text of its results.

        Raises:
            AssertionError: It raised, with its traceback.
        """
        ident = uuid.uuid4().hex
        header = {
            "msg_id": ident,
            "msg_type": "execute_request",
            "session": self.session,
            "username": "",
            "version": "5.3",
        }
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "allow_stdin": False,
            "stop_on_error": True,
        }
        message = {
            "header": header,
            "parent_header": {},
            "metadata": {},
            "content": content,
            "channel": "shell",
        }
        self.socket.send(json.dumps(message))
        said: list[str] = []
        while True:
            got = json.loads(self.socket.recv())
            if got["parent_header"].get("msg_id") != ident:
                continue
            kind, content = got["msg_type"], got["content"]
            if kind == "stream":
                said.append(content["text"])
            elif kind in ("execute_result", "display_data"):
                said.append(str(content["data"].get("text/plain", "")))
            elif kind == "error":
                raise AssertionError("\n".join(content["traceback"]))
            elif kind == "status" and content["execution_state"] == "idle":
                return "".join(said)

    def value(self, expression: str) -> Any:
        """The value of an expression, by JSON."""
        return json.loads(
            self.run(f"import json; print('§' + json.dumps({expression}))").rpartition("§")[2]
        )


class Hub:
    """The hub, its proxy, and the calls of its users.

    Args:
        directory: An empty directory of root's alone.
        users: The users that can log in.
    """

    def __init__(self, directory: Path, users: list[User]) -> None:
        self.directory, self.users = directory, users
        self.port, self.hub_port, self.proxy_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.proxy_token, self.culler_token = secrets.token_hex(16), secrets.token_hex(16)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.sockets: list[websocket.WebSocket] = []

    def start_proxy(self) -> None:
        """Start the proxy, as the chart's proxy pod."""
        command = [
            PROXY,
            "--ip",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--api-ip",
            "127.0.0.1",
            "--api-port",
        ]
        self._start(
            "proxy",
            [
                *map(str, command),
                str(self.proxy_port),
                "--error-target",
                f"http://127.0.0.1:{self.hub_port}/hub/error",
            ],
        )

    def start(self) -> None:
        """Start the hub, and wait until it responds."""
        command = [
            sys.executable,
            "-P",
            "-m",
            "jupyterhub",
            "--config",
            str(HERE / "jupyterhub_config.py"),
        ]
        lines = opened(Path(sys.base_prefix), Path(sys.prefix), ROOT)
        script = "\n".join(["set -e", "umask 022", *lines, "umask 077", 'exec "$@"'])
        self._start("hub", ["unshare", "--mount", "sh", "-c", script, "sh", *command])

        def answers() -> bool:
            assert self.processes["hub"].poll() is None, self.log("hub")
            with suppress(httpx.HTTPError):
                return httpx.get(f"{self.url}/hub/api/").status_code == 200
            return False

        until(answers, "the hub does not answer")

    def _start(self, name: str, command: list[str]) -> None:
        settings = {
            "port": self.port,
            "hub_port": self.hub_port,
            "proxy_port": self.proxy_port,
            "users": [user.name for user in self.users],
            "culler_token": self.culler_token,
        }
        kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        with (self.directory / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=self.directory,
                env={
                    **kept,
                    "LABKIT_TEST_HUB": json.dumps(settings),
                    "CONFIGPROXY_AUTH_TOKEN": self.proxy_token,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                umask=0o077,
            )

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End the hub or its proxy."""
        process = self.processes.pop(name)
        process.send_signal(number)
        process.wait(60)

    def log(self, name: str) -> str:
        """The logs of the hub and its proxy."""
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def log_in(self, user: User) -> None:
        """Log a user in through the form, and get them a token of their own."""
        with httpx.Client(base_url=self.url, follow_redirects=True, timeout=60) as browser:
            browser.get("/hub/login")
            form = {
                "username": user.name,
                "password": user.password,
                "_xsrf": browser.cookies["_xsrf"],
            }
            answer = browser.post("/hub/login?next=/hub/home", data=form)
            assert (answer.status_code, answer.url.path) == (200, "/hub/home"), answer.text
            answer = browser.post(
                f"/hub/api/users/{user.name}/tokens",
                headers={"X-XSRFToken": browser.cookies["_xsrf"]},
                json={},
            )
            assert answer.status_code == 201, answer.text
            user.token = answer.json()["token"]

    def call(self, user: User, method: str, path: str, **options: Any) -> httpx.Response:
        """One request with a user's token, through the proxy."""
        headers = {"Authorization": f"token {user.token}"}
        return httpx.request(
            method, self.url + path, headers=headers, timeout=120, follow_redirects=True, **options
        )

    def servers(self, user: User) -> Mapping[str, Any]:
        """A user's servers, by name; the first one has none."""
        found: Mapping[str, Any] = self.call(user, "GET", f"/hub/api/users/{user.name}").json()[
            "servers"
        ]
        return found

    def start_server(self, user: User, name: str = "") -> None:
        """Start a user's server, and wait until it is ready."""
        path = f"/hub/api/users/{user.name}/" + (f"servers/{name}" if name else "server")
        answer = self.call(user, "POST", path)
        assert answer.status_code in (201, 202), f"{answer.text}\n{self.log('hub')}"
        until(
            lambda: self.servers(user).get(name, {}).get("ready"),
            f"no server of {user.name}:\n{self.log('hub')}",
        )

    def kernel(self, user: User, server: str = "") -> Kernel:
        """Start a kernel on a user's server."""
        base = f"/user/{user.name}/" + (f"{server}/" if server else "")
        made = self.call(user, "POST", f"{base}api/kernels", json={"name": "python3"})
        assert made.status_code == 201, made.text
        address = f"ws://127.0.0.1:{self.port}{base}api/kernels/{made.json()['id']}/channels"
        header = [f"Authorization: token {user.token}"]
        connection = websocket.create_connection(
            address, timeout=PATIENCE_SECONDS, header=header, suppress_origin=True
        )
        self.sockets.append(connection)
        return Kernel(connection, made.json()["id"])

    def close(self) -> None:
        """Hang up on all kernels, and end the hub and its proxy."""
        for connection in self.sockets:
            connection.close()
        for name in list(self.processes):
            self.stop(name)
