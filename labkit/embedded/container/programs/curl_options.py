"""curl's command line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import encode

from .common import everything
from .registry import NOT_SIMULATED, known_options

USER_AGENT = "curl/8.14.1"
TRY = "curl: try 'curl --help' or 'curl --manual' for more information\n"

_OPTIONS = known_options(
    "silent,s show-error,S insecure,k include,i,show-headers head,I verbose,v fail,f "
    "get,G no-buffer,N globoff,g ipv4,4 ipv6,6 http2 compressed "
    "create-dirs no-progress-meter help,h version,V tlsv1.2 tlsv1.3 no-keepalive "
    "output,o= write-out,w= request,X= header,H= data,d= data-ascii= data-binary= data-raw= json= "
    "user-agent,A= max-time,m= connect-timeout= cacert= "
    "resolve= noproxy= url= "
    "max-redirs! capath! fail-with-body! http1.0,0! http1.1! oauth2-bearer! "
    "cert,E! key! path-as-is! request-target! location,L location-trusted! remote-name,O! "
    "upload-file,T! dump-header,D! referer,e! user,u! "
    "data-urlencode! fail-early! "
    "form,F! form-string! cookie,b! cookie-jar,c! proxy,x! proxy-user,U! config,K! continue-at,C! range,r! "
    "remote-header-name,J! netrc,n! append,a! list-only,l! use-ascii,B! parallel,Z! progress-bar,#! remote-time,R! "
    "retry! retry-delay! retry-max-time! retry-all-errors! retry-connrefused! remote-name-all! output-dir! url-query! "
    "unix-socket! interface! limit-rate! max-filesize! ciphers! tls-max! tlsv1.0! tlsv1.1! "
    "trace! trace-ascii! trace-time! stderr! proto! pass! cert-type! key-type! connect-to! next! manual,M! "
    "digest! negotiate! ntlm! anyauth! basic! http3! http2-prior-knowledge! speed-time,y! speed-limit,Y! time-cond,z! "
    "quote,Q! telnet-option,t! ftp-port,P! proxytunnel,p! disable,q! socks5! raw! variable! aws-sigv4! dns-servers!"
)


class UsageError(Exception):
    """The command line is invalid; its text is curl's message, empty for the hint alone.

    Args:
        message: The message without curl's name.
        hint: Whether ``try 'curl --help'`` follows.
        status: The exit status.
    """

    def __init__(self, message: str, *, hint: bool = True, status: int = 2) -> None:
        super().__init__(message)
        self.hint = hint
        self.status = status


@dataclass(slots=True)
class CurlOptions:
    """A command line, taken apart.

    Args:
        values: The last value of each option by its long name; a flag has an empty one.
        urls: The addresses.
        outputs: For each address a path, or ``-`` for stdout.
        headers: Names and values; an empty value removes a header that curl sends by itself.
        body: The data to send.
        body_type: Its content type.
        resolve: Addresses by host and port.
    """

    values: dict[str, str] = field(default_factory=dict)
    urls: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None
    body_type: str = "application/x-www-form-urlencoded"
    resolve: dict[tuple[str, str], str] = field(default_factory=dict)

    def has(self, *names: str) -> bool:
        """Return whether one of the options was given."""
        return any(name in self.values for name in names)


async def read_command_line(process: Process) -> CurlOptions:
    """Parse curl's arguments; ``UsageError`` if they are invalid."""
    options = CurlOptions()
    words = list(process.args)
    while words:
        word = words.pop(0)
        if word == "--":
            options.urls += words
            break
        if word == "-" or not word.startswith("-"):
            options.urls.append(word)
            continue
        # Letters can stand together, and the rest of the word can be the last one's value: `-sko/dev/null`.
        names = [word[2:]] if word.startswith("--") else list(word[1:])
        while names:
            key = names.pop(0)
            text = f"option {word if word.startswith('--') else f'-{key}'}"
            name, mark = _OPTIONS.get(key, ("", ""))
            if not name or (len(key) == 1) == word.startswith("--"):
                raise UsageError(f"{text}: is unknown")
            if mark == "!":
                raise UsageError(f"{text}{NOT_SIMULATED}", hint=False)
            value = ""
            if mark == "=":
                if not names and not words:
                    raise UsageError(f"{text}: requires parameter")
                value = "".join(names) or words.pop(0)
                names.clear()
            options.values[name] = value
            await _apply(process, options, name, text)
    if not options.urls and not options.has("help", "version"):
        raise UsageError("(2) no URL specified" if process.args else "")
    for url in options.urls:
        if not options.has("globoff") and re.search(r"[{}]|\[(?![0-9a-fA-F:.]+\])", url):
            raise UsageError(f"URL globbing ({{…}}, […]){NOT_SIMULATED}; use -g", hint=False)
    return options


async def _apply(process: Process, options: CurlOptions, name: str, text: str) -> None:
    """Take over an option that can be repeated, or whose value is checked."""
    value = options.values[name]
    match name:
        case "url":
            options.urls.append(value)
        case "output":
            options.outputs.append(value)
        case "max-time" | "connect-timeout" if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", value):
            raise UsageError(f"{text}: expected a proper numerical parameter")
        case "header":
            _add_header(options, value)
        case "data" | "data-binary" | "data-ascii" | "data-raw" | "json":
            await _add_data(process, options, name, text)
        case "resolve":
            entry = re.fullmatch(r"[+-]?([^:]*):(\d+):([^,]+).*", value)
            if entry is None:
                raise UsageError(
                    f"(49) Couldn't parse CURLOPT_RESOLVE entry '{value}'", hint=False, status=49
                )
            options.resolve[entry[1].lower(), entry[2]] = entry[3].strip("[]")
        case "request" if not re.fullmatch(r"[^\s\x00-\x1f]{1,100}", value):
            raise UsageError(
                "(3) URL rejected: Malformed input to a URL function", hint=False, status=3
            )


def _add_header(options: CurlOptions, value: str) -> None:
    if value.startswith("@"):
        raise UsageError(f"option -H @file{NOT_SIMULATED}", hint=False)
    if value.endswith(";"):
        raise UsageError(f"a header without a value{NOT_SIMULATED}", hint=False)
    name, colon, rest = re.sub(r"[\r\n]", "", value).partition(":")
    if colon:
        options.headers.append((name.strip(), rest.strip()))


async def _add_data(process: Process, options: CurlOptions, name: str, text: str) -> None:
    value = options.values[name]
    data = encode(value)
    if value == "@-" and name != "data-raw":
        data = await everything(process, process.stdin)
    elif value.startswith("@") and name != "data-raw":
        try:
            data = process.fs.read(value[1:], process.cwd)
        except FileError:
            raise UsageError(f"{text}: error encountered when reading a file", status=26) from None
    if value.startswith("@") and name in ("data", "data-ascii"):
        # Only -d joins the lines of a file; that surprises people who send YAML with it.
        data = re.sub(rb"[\r\n]", b"", data)
    if options.body is not None:
        data = options.body + (b"" if name == "json" else b"&") + data
    options.body = data
    if name == "json":
        options.body_type = "application/json"
