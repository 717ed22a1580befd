"""curl's command line."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.programs.common import everything
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import decode, encode

USER_AGENT = "curl/8.14.1"
TRY = "curl: try 'curl --help' or 'curl --manual' for more information\n"

_FLAGS = {
    "s": "silent", "S": "show-error", "k": "insecure", "i": "include", "I": "head", "v": "verbose", "f": "fail",
    "L": "location", "O": "remote-name", "G": "get", "N": "no-buffer", "g": "globoff", "a": "append", "j": "junk",
    "J": "remote-header-name", "n": "netrc", "4": "ipv4", "6": "ipv6", "0": "http1.0", "1": "tlsv1",
    "#": "progress-bar",
    "q": "disable", "R": "remote-time", "l": "list-only", "B": "use-ascii", "Z": "parallel", "p": "proxytunnel",
}  # fmt: skip
_VALUES = {
    "o": "output", "w": "write-out", "X": "request", "H": "header", "d": "data", "u": "user", "m": "max-time",
    "A": "user-agent", "e": "referer", "b": "cookie", "c": "cookie-jar", "E": "cert", "T": "upload-file", "F": "form",
    "x": "proxy", "r": "range", "K": "config", "C": "continue-at", "D": "dump-header", "y": "speed-time",
    "Y": "speed-limit", "z": "time-cond", "Q": "quote", "t": "telnet-option", "U": "proxy-user", "P": "ftp-port",
}  # fmt: skip
_LONG_FLAGS = frozenset(
    {
        *_FLAGS.values(), "compressed", "http1.1", "http2", "http2-prior-knowledge", "http3", "tlsv1.0", "tlsv1.1",
        "tlsv1.2", "tlsv1.3", "fail-with-body", "fail-early", "location-trusted", "create-dirs", "raw", "tcp-nodelay",
        "no-progress-meter", "path-as-is", "retry-connrefused", "retry-all-errors", "ssl-reqd", "post301", "post302",
        "post303", "remote-name-all", "trace-time", "styled-output", "no-keepalive", "progress-meter", "keepalive",
        "basic", "digest", "negotiate", "ntlm", "anyauth", "buffer", "sessionid", "alpn", "ca-native", "show-headers",
        "no-alpn", "disallow-username-in-url", "tcp-fastopen", "no-clobber", "clobber", "remove-on-error",
    }
)  # fmt: skip
_LONG_VALUES = frozenset(
    {
        *_VALUES.values(), "url", "data-binary", "data-raw", "data-ascii", "data-urlencode", "json", "cacert", "capath",
        "key", "cert-type", "key-type", "pass", "connect-timeout", "resolve", "connect-to", "max-redirs", "retry",
        "retry-delay", "retry-max-time", "oauth2-bearer", "request-target", "unix-socket", "interface", "noproxy",
        "limit-rate", "max-filesize", "ciphers", "tls-max", "output-dir", "url-query", "expect100-timeout", "stderr",
        "trace", "trace-ascii", "proto", "proto-default", "keepalive-time", "aws-sigv4", "local-port", "dns-servers",
        "form-string", "variable", "curves", "pinnedpubkey", "happy-eyeballs-timeout-ms", "socks5", "preproxy",
        "parallel-max", "rate",
    }
)  # fmt: skip


class UsageError(Exception):
    """The command line makes no sense.

    Args:
        message: What curl says, without its name; empty for the hint alone.
        hint: Whether ``try 'curl --help'`` follows.
        status: The exit status.
    """

    def __init__(self, message: str, *, hint: bool = True, status: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status


@dataclass(slots=True)
class CurlOptions:
    """What was asked for.

    Args:
        flags: Flags by their long name.
        values: The last value of each option by its long name.
        urls: The addresses.
        outputs: Where each answer goes: a path, ``-`` for stdout, ``""`` for the name in the address.
        headers: Own headers as ``(name, value)``; an empty value removes one.
        body: What is sent, or None.
        body_type: Its content type.
        resolve: Addresses given for a host and port.
    """

    flags: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)
    urls: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None
    body_type: str = "application/x-www-form-urlencoded"
    resolve: dict[tuple[str, str], str] = field(default_factory=dict)

    def has(self, *names: str) -> bool:
        """Whether one of the flags is set."""
        return any(name in self.flags for name in names)


async def read_command_line(process: Process) -> CurlOptions:
    """Read curl's words.

    Raises:
        UsageError: They make no sense.
    """
    options = CurlOptions()
    args = list(process.args)
    index = 0
    plain = False
    while index < len(args):
        word = args[index]
        index += 1
        if plain or word == "-" or not word.startswith("-"):
            if not word:
                raise UsageError("option : blank argument where content is expected")
            options.urls.append(word)
        elif word == "--":
            plain = True
        elif word.startswith("--"):
            index = await _long(process, options, word[2:], args, index)
        else:
            index = await _short(process, options, word, args, index)
    if not options.urls and not options.has("help", "version"):
        raise UsageError("(2) no URL specified" if args else "")
    return options


async def _long(process: Process, options: CurlOptions, name: str, args: list[str], index: int) -> int:
    if name in ("help", "version", "manual"):
        options.flags.add(name)
        return index
    if name in _LONG_FLAGS:
        _set(options, name)
        return index
    if name.startswith("no-") and (name[3:] in _LONG_FLAGS or name[3:] in _FLAGS.values()):
        options.flags.discard(name[3:])
        return index
    if name in _LONG_VALUES:
        if index >= len(args):
            raise UsageError(f"option --{name}: requires parameter")
        await _value(process, options, name, args[index], "--" + name)
        return index + 1
    if name == "next":
        return index
    raise UsageError(f"option --{name}: is unknown")


async def _short(process: Process, options: CurlOptions, word: str, args: list[str], index: int) -> int:
    place = 1
    while place < len(word):
        letter = word[place]
        place += 1
        if letter == "h":
            options.flags.add("help")
        elif letter == "V":
            options.flags.add("version")
        elif letter in _FLAGS:
            _set(options, _FLAGS[letter])
        elif letter == ":":
            continue
        elif letter in _VALUES:
            value = word[place:]
            if not value:
                if index >= len(args):
                    raise UsageError(f"option -{letter}: requires parameter")
                value = args[index]
                index += 1
            await _value(process, options, _VALUES[letter], value, "-" + letter)
            break
        else:
            raise UsageError(f"option -{letter}: is unknown")
    return index


def _set(options: CurlOptions, name: str) -> None:
    options.flags.add({"show-headers": "include", "location-trusted": "location"}.get(name, name))
    if name == "remote-name":
        options.outputs.append("")


async def _value(process: Process, options: CurlOptions, name: str, value: str, shown: str) -> None:
    if name in ("max-time", "connect-timeout", "max-redirs", "retry", "retry-delay", "speed-time", "speed-limit"):
        pattern = r"\d{1,9}(\.\d{1,6})?" if name in ("max-time", "connect-timeout") else r"-?\d{1,9}"
        if not re.fullmatch(pattern, value):
            raise UsageError(f"option {shown}: expected a proper numerical parameter")
    options.values[name] = value
    match name:
        case "url":
            options.urls.append(value)
        case "output":
            options.outputs.append(value)
        case "header":
            await _header(process, options, value, shown)
        case "data" | "data-binary" | "data-ascii" | "data-raw" | "json":
            await _data(process, options, name, value, shown)
        case "data-urlencode":
            await _urlencode(process, options, value, shown)
        case "form":
            await _form(process, options, value)
        case "user":
            options.values["user"] = value
        case "oauth2-bearer":
            options.headers.append(("Authorization", f"Bearer {value}"))
        case "resolve":
            parts = value.lstrip("+-").split(":", 2)
            if len(parts) != 3 or not parts[1].isdigit():
                raise UsageError(f"(49) Couldn't parse CURLOPT_RESOLVE entry '{value}'", hint=False, status=49)
            options.resolve[parts[0].lower(), parts[1]] = parts[2].split(",")[0].strip("[]")
        case "request":
            if not re.fullmatch(r"[^\s\x00-\x1f]{1,100}", value):
                raise UsageError("(3) URL rejected: Malformed input to a URL function", hint=False, status=3)


async def _header(process: Process, options: CurlOptions, value: str, shown: str) -> None:
    if value.startswith("@"):
        for line in decode(await _file(process, value[1:], shown)).splitlines():
            await _header(process, options, line, shown)
        return
    value = value.replace("\r", "").replace("\n", "")
    name, colon, rest = value.partition(":")
    if colon:
        options.headers.append((name.strip(), rest.strip()))
    elif value.endswith(";"):
        options.headers.append((value[:-1].strip(), "\0"))


async def _file(process: Process, name: str, shown: str) -> bytes:
    if name == "-":
        return await everything(process, process.stdin)
    try:
        return process.fs.read(name, process.cwd)
    except FileError:
        raise UsageError(f"option {shown}: error encountered when reading a file", status=26) from None


async def _data(process: Process, options: CurlOptions, name: str, value: str, shown: str) -> None:
    if value.startswith("@") and name != "data-raw":
        data = await _file(process, value[1:], shown)
        if name in ("data", "data-ascii"):
            data = data.replace(b"\n", b"").replace(b"\r", b"")
    else:
        data = encode(value)
    joint = b"" if name == "json" else b"&"
    options.body = data if options.body is None else options.body + joint + data
    if name == "json":
        options.body_type = "application/json"
        options.flags.add("json")


async def _urlencode(process: Process, options: CurlOptions, value: str, shown: str) -> None:
    match = re.match(r"([^=@]*)([=@]?)(.*)", value, re.DOTALL)
    name, mark, rest = (match[1], match[2], match[3]) if match else ("", "", value)
    if not mark:
        name, rest = "", name
    text = decode(await _file(process, rest, shown)) if mark == "@" else rest
    piece = encode((name + "=" if name else "") + quote_plus(encode(text)).replace("+", "%20"))
    options.body = piece if options.body is None else options.body + b"&" + piece


async def _form(process: Process, options: CurlOptions, value: str) -> None:
    name, equals, content = value.partition("=")
    if not equals:
        raise UsageError("option -F: is badly used here")
    boundary = b"------------------------labkit0123456789"
    head = f'Content-Disposition: form-data; name="{name}"'
    data = encode(content)
    if content[:1] in "@<" and content:
        path = content[1:].partition(";")[0]
        try:
            data = process.fs.read(path, process.cwd)
        except FileError:
            raise UsageError(
                "(26) Failed to open/read local data from file/application", hint=False, status=26
            ) from None
        if content[0] == "@":
            head += f'; filename="{path.rpartition("/")[2]}"\r\nContent-Type: application/octet-stream'
    part = b"--" + boundary + b"\r\n" + encode(head) + b"\r\n\r\n" + data + b"\r\n"
    before = (options.body or b"").removesuffix(b"--" + boundary + b"--\r\n")
    options.body = before + part + b"--" + boundary + b"--\r\n"
    options.body_type = "multipart/form-data; boundary=" + boundary.decode()


def basic(credentials: str) -> str:
    """The ``Authorization`` of ``-u user:password``."""
    if ":" not in credentials:
        credentials += ":"
    return "Basic " + base64.b64encode(encode(credentials)).decode()


def expand_urls(url: str) -> list[str]:
    """Curl's own globbing: ``{a,b}`` and ``[1-3]``.

    Raises:
        UsageError: A bracket is not closed or holds no range.
    """
    out = [""]
    index = 0
    while index < len(url):
        char = url[index]
        if char == "\\" and url[index + 1 : index + 2] in tuple("{}[]"):
            options, index = [url[index + 1]], index + 2
        elif char == "{":
            end = url.find("}", index)
            if end < 0:
                raise _glob_error("unmatched brace", url, index)
            options, index = url[index + 1 : end].split(","), end + 1
        elif char == "[":
            end = url.find("]", index)
            body = url[index + 1 : end] if end >= 0 else ""
            if ":" in body:
                options = [url[index : end + 1]]
            else:
                options = _range(body)
                if not options:
                    what = (
                        "bad range"
                        if body or (end < 0 and url[index + 1 : index + 2].isdigit())
                        else "bad range specification"
                    )
                    raise _glob_error(what, url, index + 1)
            index = end + 1
        else:
            options, index = [char], index + 1
        if len(out) * len(options) > 200:
            raise UsageError(f"(3) too many URLs from {url[:60]}", hint=False, status=3)
        out = [head + option for head in out for option in options]
    return out


def _range(body: str) -> list[str]:
    match = re.fullmatch(r"(\d{1,6})-(\d{1,6})(?::(\d{1,6}))?", body)
    if match is not None:
        first, last, step = int(match[1]), int(match[2]), int(match[3] or 1)
        if step and first <= last and (last - first) // step <= 200:
            width = len(match[1]) if match[1].startswith("0") else 0
            return [f"{number:0{width}d}" for number in range(first, last + 1, step)]
    match = re.fullmatch(r"([a-z])-([a-z])", body)
    if match is not None and match[1] <= match[2]:
        return [chr(code) for code in range(ord(match[1]), ord(match[2]) + 1)]
    return []


def _glob_error(what: str, url: str, index: int) -> UsageError:
    return UsageError(f"(3) {what} in URL position {index + 1}:\n{url}\n{' ' * index}^", hint=False, status=3)
