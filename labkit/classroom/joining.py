"""A learner's lab in a class: it sends each step's outcome to the teacher's board, and nothing else.

Outcomes wait in a file until they are sent, so a broken network loses nothing. A thread sends them, so that no check
waits; in a browser's page, which has no threads, the kernel sends them between two cells. Learners who have not joined
have no such file.
"""

import asyncio
import atexit
import importlib
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from labkit.core import page
from labkit.core.display import Card, Row
from labkit.core.errors import Unreachable, UsageError
from labkit.core.home import JOINED, locked, read_json, write_private
from labkit.core.language import text
from labkit.lessons import STEPS
from labkit.lessons.base import Outcome
from labkit.lessons.progress import Entry, Progress

MAX_WAITING = 1000
MAX_SENT = 100
MAX_PAUSE_SECONDS = 30.0
TIMEOUT_SECONDS = 8.0

SENT = text(
    "In a class, its teacher sees of each step: its outcome, your first guess, the kind of mistake, and when; also of "
    "the steps before. No code, token, object or address is sent. lab.leave() ends this, and deletes it there."
)

UNREACHED = text(
    "Be in the same network, and copy address and code again. A page joins only the class that serves it."
)
UNTRUSTED = text(
    "This computer does not trust the certificate of the class. Ask your teacher for the file of its CA, and name it "
    'before you join: import os; os.environ["SSL_CERT_FILE"] = "ca.pem".'
)

_sending: set[Path] = set()


def join(
    home: Path, address: str, code: str, name: str, progress: Progress, say: Callable[[str], None]
) -> Card:
    """Join a class, and send the existing outcomes; ``say`` gets a sentence about that first.

    The address can have ``http://`` and the page. An empty name requests a number. A lab that is in an earlier class
    moves to this one; a lab that is in this class already keeps its row, even if the class has a new address.

    Raises:
        UsageError: The class refuses.
        Unreachable: The class does not answer.
    """
    match = re.match(r"(https?://)?([^\s/#@]+)", address.strip())
    base = f"{match[1] or 'http://'}{match[2]}" if match else ""
    member = read_json(home / JOINED)
    say(SENT)
    key = member.get("key") or secrets.token_hex(16)
    status, answer = _request(
        base, "PUT", "/api/learner", {"code": code, "key": key, "name": name}, ""
    )
    if status != 200 and "todo" in answer:
        raise UsageError(answer["what"], todo=answer["todo"])
    if "name" not in answer:
        why = answer.get("why", "")
        todo = UNTRUSTED if "CERTIFICATE" in why else UNREACHED
        raise Unreachable(
            text("No class answers at {address}.", base or text("this address")), why=why, todo=todo
        )
    with _kept(home) as kept:
        if kept.get("class") != answer["class"]:
            kept |= {"class": answer["class"], "key": key, "number": 0, "waiting": []}
            for step, entry in progress.all().items():
                if step in STEPS and "state" in entry:
                    _add(kept, step, entry["state"], entry.get("kind", ""), entry)
        kept["address"] = base
    send_soon(home)
    return Card(
        text("In the class as {name}", answer["name"]),
        "good",
        [Row("to leave", "lab.leave()", code=True)],
    )


def leave(home: Path) -> Card:
    """Leave the class, which then deletes this lab's data; raise UsageError if the lab has not joined one."""
    member = read_json(home / JOINED)
    if not member:
        raise UsageError("This lab is in no class.", todo="lab.join(ADDRESS, CODE) joins one.")
    with _kept(home) as kept:
        kept.clear()
    status, _ = _request(member["address"], "DELETE", "/api/learner", None, member["key"])
    # 401: the row was deleted before.
    if status in (200, 401):
        return Card(
            text("You have left the class"),
            "plain",
            [Row("deleted", text("all that this lab had sent"))],
        )
    there = text("The class does not answer. Ask your teacher to remove your row from the board.")
    return Card(
        text("You have left the class: nothing more is sent"), "warn", [Row("still there", there)]
    )


def report(home: Path, outcome: Outcome, entry: Entry) -> None:
    """Queue an outcome, with the step's entry in the progress, for the class that this lab has joined, if any."""
    with _kept(home) as member:
        if member and outcome.step in STEPS:
            _add(member, outcome.step, outcome.state, outcome.kind, entry)
            del member["waiting"][:-MAX_WAITING]
    send_soon(home)


def send_soon(home: Path) -> None:
    """Begin to send what waits, unless that has begun."""
    if home in _sending or not _waiting(home):
        return
    _sending.add(home)
    if page.IN_PAGE:
        asyncio.ensure_future(_send(home))  # noqa: RUF006  # the loop of a page keeps its tasks
    else:
        thread = threading.Thread(
            target=asyncio.run, args=(_send(home),), daemon=True, name="labkit-class"
        )
        thread.start()
        # A command such as labkit check ends at once, and a daemon thread with it. Outcomes that are
        # not sent within half a second stay in the file until the lab is used again.
        atexit.register(thread.join, 0.5)


async def _send(home: Path) -> None:
    pause = 1.0
    while waiting := _waiting(home):
        # Read again each time: the lab can move to another class while a request fails.
        member = read_json(home / JOINED)
        now = time.time()
        # The class has its own clock, so it is told how long ago something was.
        body = {"outcomes": [{**entry, "ago": max(0.0, now - entry["at"])} for entry in waiting]}
        request = (member["address"], "POST", "/api/outcomes", body, member["key"])
        status, _ = await _fetch(*request) if page.IN_PAGE else _request(*request)
        # These answers are final. After any other one, or none, the request is sent again.
        if status in (200, 400, 401, 413):
            _settle(home, member["key"], status, waiting[-1]["number"])
            pause = 1.0
        else:
            await asyncio.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE_SECONDS)
    _sending.discard(home)
    # An outcome can have come between the last look and the line above.
    send_soon(home)


def _waiting(home: Path) -> list[dict[str, Any]]:
    waiting: list[dict[str, Any]] = read_json(home / JOINED).get("waiting", [])
    return waiting[:MAX_SENT]


def _settle(home: Path, key: str, status: int, last: int) -> None:
    """Remove outcomes that have arrived, or that the class will never accept."""
    with _kept(home) as member:
        # With another key, the lab has left or moved while the request was under way.
        if member.get("key") == key:
            member["waiting"] = [entry for entry in member["waiting"] if entry["number"] > last]
            # The class, or the row in it, was deleted, so this lab has left it.
            if status == 401:
                member.clear()


@contextmanager
def _kept(home: Path) -> Iterator[dict[str, Any]]:
    """Provide the stored membership, to be changed in the block; empty outside a class."""
    with locked(home / f"{JOINED}.lock"):
        member = read_json(home / JOINED)
        before = json.dumps(member)
        yield member
        if not member:
            (home / JOINED).unlink(missing_ok=True)
        elif json.dumps(member) != before:
            write_private(home / JOINED, json.dumps(member))


def _add(member: dict[str, Any], step: str, state: str, kind: str, entry: Entry) -> None:
    member["number"] += 1
    sent = {
        "number": member["number"],
        "step": step,
        "state": state,
        "kind": kind if state == "failed" else "",
    }
    at = entry.get("passed_at") if state == "passed" else None
    member["waiting"].append({**sent, "guess": _guess(step, entry), "at": at or time.time()})


def _guess(step: str, entry: Entry) -> str:
    """Return the first guess if it is one of the step's words: other text could hold a name or an address."""
    prediction = STEPS[step].prediction
    value = entry["first_guess"]["value"] if "first_guess" in entry else None
    words = prediction.words if prediction else ()
    guesses = value if isinstance(value, dict) else {"": value}
    return "; ".join(
        f"{label}: {word}".removeprefix(": ") for label, word in guesses.items() if word in words
    )[:200]


def _request(
    address: str, method: str, path: str, body: object, key: str
) -> tuple[int, dict[str, Any]]:
    """Send one request; return the answer's status and its object. The status is 0 without an answer."""
    send = _by_page if page.IN_PAGE else _by_socket
    try:
        status, text = send(
            f"{address}{path}", method, json.dumps(body), {"Authorization": f"Bearer {key}"}
        )
        answer = json.loads(text)
        return status, answer if isinstance(answer, dict) else {}
    # Sockets, TLS, HTTP and JavaScript have no common exception, and a class must not fail a check.
    except Exception as error:
        return 0, {"why": str(getattr(error, "reason", error))}


def _by_socket(url: str, method: str, data: str, headers: dict[str, str]) -> tuple[int, str]:
    from urllib.error import HTTPError
    from urllib.request import ProxyHandler, Request, build_opener

    # A class is in the same network, which a proxy outside of it cannot reach.
    opener = build_opener(ProxyHandler({}))
    try:
        answer = opener.open(
            Request(url, data.encode(), headers, method=method), timeout=TIMEOUT_SECONDS
        )
    except HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.read(100_000).decode("utf-8", "replace")


def _by_page(url: str, method: str, data: str, headers: dict[str, str]) -> tuple[int, str]:
    request = importlib.import_module("js").XMLHttpRequest.new()
    # Synchronous: deprecated on a page's main thread, and allowed in the worker of a kernel.
    request.open(method, url, False)
    for name, value in headers.items():
        request.setRequestHeader(name, value)
    request.send(data)
    return int(request.status), str(request.responseText)


async def _fetch(
    address: str, method: str, path: str, body: object, key: str
) -> tuple[int, dict[str, Any]]:
    """Send a request as ``_request`` does, from a page, while the kernel runs cells."""
    fetch = importlib.import_module("pyodide.http").pyfetch
    headers = {"Authorization": f"Bearer {key}"}
    with suppress(OSError):
        response = await fetch(
            f"{address}{path}", method=method, headers=headers, body=json.dumps(body)
        )
        return int(response.status), {}
    return 0, {}
