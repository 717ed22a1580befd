"""curl's command line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.programs.common import everything
from labkit.embedded.container.programs.options import NOT_SIMULATED, known_options
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import encode

USER_AGENT = "curl/8.14.1"
TRY = "curl: try 'curl --help' or 'curl --manual' for more information\n"

_OPTIONS = (
    "silent,s show-error,S insecure,k include,i,show-headers head,I verbose,v fail,f fail-with-body "
    "get,G no-buffer,N globoff,g ipv4,4 ipv6,6 http1.0,0 http1.1 http2 compressed "
    "create-dirs no-progress-meter help,h version,V tlsv1.2 tlsv1.3 no-keepalive "
    "output,o= write-out,w= request,X= header,H= data,d= data-ascii= data-binary= data-raw= json= "
    "user-agent,A= oauth2-bearer= max-time,m= connect-timeout= max-redirs= cacert= "
    "capath= resolve= noproxy= url= "
    "cert,E! key! path-as-is! request-target! location,L location-trusted! remote-name,O! "
    "create-dirs! upload-file,T! dump-header,D! referer,e! user,u! "
    "data-urlencode! fail-early! "
    "form,F! form-string! cookie,b! cookie-jar,c! proxy,x! proxy-user,U! config,K! continue-at,C! range,r! "
    "remote-header-name,J! netrc,n! append,a! list-only,l! use-ascii,B! parallel,Z! progress-bar,#! remote-time,R! "
    "retry! retry-delay! retry-max-time! retry-all-errors! retry-connrefused! remote-name-all! output-dir! url-query! "
    "unix-socket! interface! limit-rate! max-filesize! ciphers! tls-max! tlsv1.0! tlsv1.1! "
    "trace! trace-ascii! trace-time! stderr! proto! pass! cert-type! key-type! connect-to! next! manual,M! "
    "digest! negotiate! ntlm! anyauth! basic! http3! http2-prior-knowledge! speed-time,y! speed-limit,Y! time-cond,z! "
    "quote,Q! telnet-option,t! ftp-port,P! proxytunnel,p! disable,q! socks5! raw! variable! aws-sigv4! dns-servers!"
)
_NUMBERS = {
    "max-time": r"\d{1,9}(\.\d{1,6})?",
    "connect-timeout": r"\d{1,9}(\.\d{1,6})?",
    "max-redirs": r"-?\d{1,9}",
}


class UsageError(Exception):
    """The command line makes no sense.

    An empty message leaves the hint ``try 'curl --help'`` alone.
    """

    def __init__(self, message: str, *, hint: bool = True, status: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status


@dataclass(slots=True)
class CurlOptions:
    """What was asked for: flags, and the last value of each other option, by long names.

    An output is a path, or ``-`` for stdout; a header with an empty value removes one; ``resolve`` has addresses by
    host and port.
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
    """Parse curl's arguments; ``UsageError`` if they are invalid."""
    options = CurlOptions()
    words = list(process.args)
    plain = False
    while words:
        word = words.pop(0)
        if plain or word == "-" or not word.startswith("-"):
            if not word:
                raise UsageError("option : blank argument where content is expected")
            options.urls.append(word)
        elif word == "--":
            plain = True
        elif word.startswith("--"):
            await _take(process, options, word[2:], word, words)
        else:
            letters = word[1:]
            while letters:
                letter, letters = letters[0], letters[1:]
                if await _take(
                    process, options, letter, f"-{letter}", [letters] if letters else words
                ):
                    break
    if not options.urls and not options.has("help", "version"):
        raise UsageError("(2) no URL specified" if process.args else "")
    for url in options.urls:
        if not options.has("globoff") and re.search(r"[{}]|\[(?![0-9a-fA-F:.]+\])", url):
            raise UsageError(f"URL globbing ({{…}}, […]){NOT_SIMULATED}; use -g", hint=False)
    return options


async def _take(
    process: Process, options: CurlOptions, name: str, option_text: str, words: list[str]
) -> bool:
    """Read an option, and return whether it used a value: the first of ``words``."""
    option = known_options(_OPTIONS).get(name)
    if option is None or (len(name) == 1) != (not option_text.startswith("--")):
        raise UsageError(f"option {option_text}: is unknown")
    if option.mark == "!":
        raise UsageError(f"option {option_text}{NOT_SIMULATED}", hint=False)
    if not option.mark:
        options.flags.add(option.name)
        return False
    if not words:
        raise UsageError(f"option {option_text}: requires parameter")
    await _value(process, options, option.name, words.pop(0), option_text)
    return True


async def _value(
    process: Process, options: CurlOptions, name: str, value: str, option_text: str
) -> None:
    if name in _NUMBERS and not re.fullmatch(_NUMBERS[name], value):
        raise UsageError(f"option {option_text}: expected a proper numerical parameter")
    options.values[name] = value
    match name:
        case "url":
            options.urls.append(value)
        case "output":
            options.outputs.append(value)
        case "header":
            _header(options, value)
        case "data" | "data-binary" | "data-ascii" | "data-raw" | "json":
            await _data(process, options, name, value, option_text)
        case "oauth2-bearer":
            options.headers.append(("Authorization", f"Bearer {value}"))
        case "resolve":
            parts = value.lstrip("+-").split(":", 2)
            if len(parts) != 3 or not parts[1].isdigit():
                raise UsageError(
                    f"(49) Couldn't parse CURLOPT_RESOLVE entry '{value}'", hint=False, status=49
                )
            options.resolve[parts[0].lower(), parts[1]] = parts[2].split(",")[0].strip("[]")
        case "request":
            if not re.fullmatch(r"[^\s\x00-\x1f]{1,100}", value):
                raise UsageError(
                    "(3) URL rejected: Malformed input to a URL function", hint=False, status=3
                )


def _header(options: CurlOptions, value: str) -> None:
    if value.startswith("@"):
        raise UsageError(f"option -H @file{NOT_SIMULATED}", hint=False)
    name, colon, rest = value.replace("\r", "").replace("\n", "").partition(":")
    if colon:
        options.headers.append((name.strip(), rest.strip()))
    elif name.endswith(";"):
        options.headers.append((name[:-1].strip(), "\0"))


async def _data(
    process: Process, options: CurlOptions, name: str, value: str, option_text: str
) -> None:
    data = encode(value)
    if value.startswith("@") and name != "data-raw":
        try:
            stdin = value == "@-"
            data = (
                await everything(process, process.stdin)
                if stdin
                else process.fs.read(value[1:], process.cwd)
            )
        except FileError:
            raise UsageError(
                f"option {option_text}: error encountered when reading a file", status=26
            ) from None
        if name in ("data", "data-ascii"):
            data = data.replace(b"\n", b"").replace(b"\r", b"")
    joint = b"" if name == "json" else b"&"
    options.body = data if options.body is None else options.body + joint + data
    if name == "json":
        options.body_type = "application/json"
        options.flags.add("json")
