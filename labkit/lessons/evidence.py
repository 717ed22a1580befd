"""The learner's requests and commands, as the cluster saw them.

Two witnesses: the cluster's audit log, which sees every client, and the journal of what went
through labkit, which also has exit codes, and exists on clusters without a log. Both count since the cluster's last
reset. The lab's own requests are left out: its client is named in ``User-Agent``.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import dropwhile, takewhile
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from labkit.client.request_info import Call, read_call
from labkit.core.language import text

LAB_AGENT = re.compile(r"labkit/\S+ \(lab\)|labkit-check")
"""The ``User-Agent`` of the lab's own requests, and of its checks' commands in pods."""

MACHINERY = (
    "system:apiserver",
    "system:kube-",
    "system:node",
    "system:serviceaccount:kube-system:",
)
"""The beginnings of the users that no learner is."""

FORWARDED_FOR = "labkit/forwarded-for"
"""The annotation by which the embedded cluster notes a proxy's header ``X-Forwarded-For``."""

WRITES = ("create", "update", "patch", "delete")
"""The verbs that change an object."""

METHODS = {
    "list": "GET",
    "watch": "GET",
    "create": "POST",
    "update": "PUT",
    "deletecollection": "DELETE",
}
"""The methods that are not called as the verb."""

PREFIXES = ("command", "env", "exec", "nohup", "time", "timeout")
"""Programs that run the one that follows."""

_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\n]*")
SHELLS = ("sh", "bash", "/bin/sh", "/bin/bash", "ash", "dash")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the learner.

    Args:
        user: The authenticated user; with impersonation, the impersonated user. Empty if the credential was refused.
        call: The request as it is authorized.
        status: The HTTP status of the answer.
        at: The time, in seconds since the epoch.
        agent: The client's ``User-Agent``; empty if it is not known.
        message: The server's refusal, if any.
        proxied: True if it went through a proxy: labkit's own, or one that names its client.
        bare: True if it was refused because it carried no credential at all.
        asker: The user who impersonated; empty without impersonation.
        name: The object's name, also that of a new one; empty if it is not known.
    """

    user: str
    call: Call
    status: int
    at: float
    agent: str = ""
    message: str = ""
    proxied: bool = False
    bare: bool = False
    asker: str = ""
    name: str = ""

    @property
    def path(self) -> str:
        """The path without query and last slash."""
        return self.call.path.rstrip("/") or "/"

    @property
    def reads(self) -> bool:
        """Return whether it is a GET."""
        return self.call.verb in ("get", "list", "watch")

    @property
    def wrote(self) -> bool:
        """Return whether it changed an object."""
        return self.call.verb in WRITES and self.status < 300

    @property
    def by_labkit(self) -> bool:
        """Return whether labkit's own client made it, so neither curl nor kubectl nor a proxy."""
        return self.agent.startswith("labkit/")

    @property
    def text(self) -> str:
        """Such as ``list services in kikai``."""
        call = self.call
        if not call.is_resource:
            return f"{call.verb} {call.path}"
        said = f"{call.verb} {call.full_resource}"
        return text("{request} in {namespace}", said, call.namespace) if call.namespace else said


@dataclass(frozen=True, slots=True)
class PodCommand:
    """One command that the learner ran in a pod.

    Args:
        pod: As ``namespace/name``.
        command: The command line.
        returncode: Its exit code; None if only the audit log saw it.
        output: Its output, as far as it is known.
        begun: The time when it began, in seconds since the epoch.
        ended: The time when it ended.
    """

    pod: str
    command: str
    returncode: int | None
    output: str
    begun: float
    ended: float

    @property
    def interactive(self) -> bool:
        """Return whether it opened a shell, whose input is unknown."""
        words = self.command.split()
        return bool(words) and words[0] in SHELLS and not any(_takes_script(word) for word in words)

    @property
    def calls(self) -> list[list[str]]:
        """Return the simple commands of the line, each as its words, without assignments and comments.

        This is not a shell: quotes and substitutions are not evaluated, which is enough to distinguish a ``curl``
        from the word.
        """
        found = []
        for part in re.split(
            r"[;&|\n]+|\$\(|[()`]|\b(?:then|do|else)\b", _COMMENT.sub("", self.command)
        ):
            try:
                words = shlex.split(part)
            except ValueError:  # a quote that another part closes
                words = part.split()
            if words := _without_prefixes(words):
                found.append(words)
        return found

    def runs(self, *programs: str) -> list[list[str]]:
        """The simple commands that run one of some programs."""
        return [words for words in self.calls if words[0].rpartition("/")[2] in programs]

    def covers(self, at: float) -> bool:
        """Return whether a request at some time could come from this command."""
        return self.begun <= at <= self.ended


def _takes_script(option: str) -> bool:
    """Return whether a shell's option is ``-c``, also together with others: ``-lc``."""
    return re.fullmatch("-[a-z]*c", option) is not None


def _script(words: Sequence[str]) -> str:
    """Return the script of a shell command, else the command itself."""
    # Only options before the script are the shell's: those after it are the script's own.
    options = list(takewhile(lambda word: word.startswith("-"), words[1:]))
    if (
        words
        and words[0] in SHELLS
        and len(words) > len(options) + 1
        and any(map(_takes_script, options))
    ):
        return words[len(options) + 1]
    return shlex.join(words)


def _line(command: str) -> str:
    """A command line, or the script of the shell that it starts."""
    # An open quote is the learner's mistake, and the pod's shell reports it.
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    return _script(words) if words and words[0] in SHELLS else command


def _without_prefixes(words: list[str]) -> list[str]:
    """Return a simple command without prefixes of the program: assignments, ``timeout 9`` and the like."""
    # Prefixes can be stacked: env A=1 timeout 9 curl.
    while words and (words[0] in PREFIXES or re.match(r"\w+=", words[0])):
        program, *words = words
        if program == "timeout":
            # timeout has options and a duration, such as 9s, before the program.
            words = list(dropwhile(lambda word: not re.match("[a-z/]", word), words))
    return words


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of the learner's requests and commands, oldest first.

    Args:
        asked: The requests.
        ran: The commands in pods.
        facts: The journal's further entries, such as a decoded token.
        logged: Whether the cluster has an audit log that could be read.
    """

    asked: Sequence[Asked] = ()
    ran: Sequence[PodCommand] = ()
    facts: Sequence[Mapping[str, Any]] = ()
    logged: bool = False


def gather(
    events: Iterable[Mapping[str, Any]] | None, journal: Iterable[Mapping[str, Any]], since: float
) -> Evidence:
    """Put together what both witnesses saw.

    Args:
        events: The audit log's events, the newest first; None without a log.
        journal: The journal's entries.
        since: When the cluster was last reset, in seconds since the epoch.

    Returns:
        The evidence; a request that both saw is in it once.
    """
    asked: list[Asked] = []
    ran: list[PodCommand] = []
    facts: list[Mapping[str, Any]] = []
    seen: dict[str, Mapping[str, Any]] = {}
    for entry in journal:
        if entry.get("kind") == "answer":
            # A response without an Audit-Id comes from a cluster without a log; a number distinguishes it from the
            # others.
            seen[str(entry.get("audit_id") or len(seen))] = entry
        elif entry.get("kind") == "exec":
            ran.append(_of_exec(entry))
        else:
            facts.append(entry)
    for event in _once(events or (), since):
        known = seen.pop(str(event.get("auditID")), {})
        # The address of an exec has the command, so the log is a witness of commands, too.
        if event.get("objectRef", {}).get("subresource") == "exec":
            if not LAB_AGENT.match(str(event.get("userAgent", ""))):
                ran.append(_of_exec_event(event))
        elif not _is_labs(event):
            asked.append(_of_event(event, known))
    asked += [_of_answer(entry) for entry in seen.values() if "path" in entry]
    # An exec through labkit is seen twice. Only the journal has its exit code, so the audit event is dropped.
    ran = [run for run in ran if run.returncode is not None or not _twin(run, ran)]
    return Evidence(
        sorted(asked, key=lambda run: run.at),
        sorted(ran, key=lambda run: run.begun),
        facts,
        events is not None,
    )


def _once(events: Iterable[Mapping[str, Any]], since: float) -> Iterator[Mapping[str, Any]]:
    """Each request's last event since a time. A log is read no further back than to that time."""
    # A request has several events, one for each stage. The newest comes first, and only it has the final status.
    found: set[str] = set()
    for event in events:
        # The log has the order of stageTimestamp, newest first: what follows an older event is older still.
        if _seconds(event.get("stageTimestamp")) < since:
            return
        # A watch that was opened before the reset ends after it, and is not an action of the learner since then.
        key = str(event.get("auditID"))
        if key not in found and _seconds(event.get("requestReceivedTimestamp")) >= since:
            found.add(key)
            yield event


def _is_labs(event: Mapping[str, Any]) -> bool:
    user = str((event.get("user") or {}).get("username", ""))
    return bool(LAB_AGENT.match(str(event.get("userAgent", "")))) or user.startswith(MACHINERY)


def _of_event(event: Mapping[str, Any], known: Mapping[str, Any]) -> Asked:
    user = event.get("impersonatedUser") or event.get("user") or {}
    status = event.get("responseStatus") or {}
    verb = str(event.get("verb", ""))
    uri = str(event.get("requestURI", ""))
    # An audit event has the verb and the address. The method is needed to read the address again.
    call = read_call(METHODS.get(verb, verb), unquote(uri))
    message = str(status.get("message", ""))
    return Asked(
        # A refused credential identifies no user, whatever user the event has.
        str(user.get("username", "")) if status.get("code") != 401 else "",
        call,
        int(status.get("code", 0)),
        _seconds(event.get("requestReceivedTimestamp")),
        str(event.get("userAgent", "")),
        message,
        _is_plain(known) or _is_forwarded(event),
        # The log does not say whether a credential was sent. The journal does; and where anonymous access is off,
        # kube-apiserver's 401 contains it (WithFailedAuthenticationAudit).
        known.get("who") == "anonymous" or "no credentials provided" in message,
        str((event.get("user") or {}).get("username", "")) if event.get("impersonatedUser") else "",
        str((event.get("objectRef") or {}).get("name", "")),
    )


def _of_answer(entry: Mapping[str, Any]) -> Asked:
    return Asked(
        str(entry.get("as_user", "")),
        read_call(str(entry.get("method", "GET")), str(entry.get("path", ""))),
        int(entry.get("status", 0)),
        float(entry.get("at", 0)),
        str(entry.get("agent", "labkit/")),
        str(entry.get("message", "")),
        _is_plain(entry),
        entry.get("who") == "anonymous",
    )


def _is_plain(entry: Mapping[str, Any]) -> bool:
    """Return whether an answer came over plain HTTP, so through a proxy."""
    return str(entry.get("server", "")).startswith("http://")


def _is_forwarded(event: Mapping[str, Any]) -> bool:
    """Return whether a proxy said for whom it asked: it adds an address, or on the embedded cluster an annotation."""
    # A real server lists the addresses of X-Forwarded-For and X-Real-Ip before the address of the connection.
    return len(event.get("sourceIPs") or ()) > 1 or FORWARDED_FOR in (
        event.get("annotations") or {}
    )


def _of_exec(entry: Mapping[str, Any]) -> PodCommand:
    ended = float(entry.get("at", 0))
    return PodCommand(
        str(entry.get("who", "")),
        _line(str(entry.get("command", ""))),
        int(entry.get("returncode", 0)),
        f"{entry.get('stdout', '')}\n{entry.get('stderr', '')}",
        ended - float(entry.get("seconds", 0)),
        ended,
    )


def _of_exec_event(event: Mapping[str, Any]) -> PodCommand:
    split = urlsplit(str(event.get("requestURI", "")))
    words = parse_qs(split.query).get("command", [])
    place = event.get("objectRef") or {}
    return PodCommand(
        f"{place.get('namespace')}/{place.get('name')}",
        _script(words),
        None,
        "",
        _seconds(event.get("requestReceivedTimestamp")),
        _seconds(event.get("stageTimestamp")),
    )


def _twin(event: PodCommand, others: Iterable[PodCommand]) -> bool:
    """Return whether labkit ran the command that the audit log saw, so that its exit code is known."""
    return any(
        other.returncode is not None and other.pod == event.pod and other.command == event.command
        for other in others
    )


def _seconds(timestamp: object) -> float:
    """An audit event's time in seconds since the epoch; 0 for none."""
    try:
        return datetime.fromisoformat(str(timestamp)).timestamp()
    except ValueError:
        return 0.0
