"""curl's command line."""

import re
from dataclasses import dataclass, field

from ..files.inodes import FileError
from ..shell.process import Process
from ..shell.redirection import open_input
from ..shell.streams import StreamError, encode
from .common import everything
from .registry import NOT_SIMULATED, BadOption, Failure, read_options

USER_AGENT = "curl/8.14.1"
TRY = "curl: try 'curl --help' or 'curl --manual' for more information\n"

_OPTIONS = (
    "silent,s show-error,S insecure,k include,i,show-headers head,I verbose,v fail,f "
    "get,G! no-buffer,N globoff,g ipv4,4 ipv6,6 http2 compressed "
    "create-dirs no-progress-meter help,h version,V tlsv1.2 tlsv1.3 no-keepalive "
    "output,o= write-out,w= request,X= header,H= d,data= data-ascii= data-binary= data-raw= json! "
    "user-agent,A= m,max-time= connect-timeout= cacert= "
    "noproxy= url= resolve! "
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


@dataclass(slots=True)
class Message:
    """The parts of a request that options give.

    Args:
        headers: Names and values; an empty value removes a header that curl sends by itself.
        body: The data to send.
    """

    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None


async def read_command_line(process: Process) -> Message:
    """Parse curl's arguments into the process's flags, its operands (the addresses), and a message."""
    process.operands.clear()
    try:
        # Unlike other programs', curl's long options have their values in the next word alone.
        read_options(process, _OPTIONS, attached=False)
    except BadOption as error:
        raise BadOption(_reworded(str(error))) from None
    message = Message()
    for name, value in process.flags:
        # The name that most people type stands first in the table.
        text = f"option {'-' if len(name) == 1 else '--'}{name}"
        match name:
            case "url":
                process.operands.append(value)
            case "m" | "connect-timeout" if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", value):
                raise BadOption(f"{text}: expected a proper numerical parameter")
            case "header":
                _add_header(message, value)
            case "d" | "data-binary" | "data-ascii" | "data-raw":
                await _add_data(process, message, name, value, text)
            case "request" if not re.fullmatch(r"[^\s\x00-\x1f]{1,100}", value):
                raise Failure("(3) URL rejected: Malformed input to a URL function", 3)
    for url in process.operands:
        if not process.has("globoff") and re.search(r"[{}]|\[(?![0-9a-fA-F:.]+\])", url):
            raise Failure(f"URL globbing ({{…}}, […]){NOT_SIMULATED}; use -g", 2)
    return message


def _reworded(problem: str) -> str:
    """Return getopt's message about an option as curl words it."""
    match = re.search(r"-- '(.)'|(--?[^\s']*[^\s':])", problem)
    option = "" if match is None else match[2] or f"-{match[1]}"
    if problem.endswith(NOT_SIMULATED):
        return f"option {option}{NOT_SIMULATED}"
    return f"option {option}: {'requires parameter' if 'requires' in problem else 'is unknown'}"


def _add_header(message: Message, value: str) -> None:
    if value.startswith("@"):
        raise BadOption(f"option -H @file{NOT_SIMULATED}")
    if value.endswith(";"):
        raise BadOption(f"a header without a value{NOT_SIMULATED}")
    name, colon, rest = re.sub(r"[\r\n]", "", value).partition(":")
    if colon:
        message.headers.append((name.strip(), rest.strip()))


async def _add_data(process: Process, message: Message, name: str, value: str, text: str) -> None:
    data = encode(value)
    if value.startswith("@") and name != "data-raw":
        try:
            data = await everything(process, open_input(process, value[1:]))
        except (FileError, StreamError):
            problem = f"{text}: error encountered when reading a file\n{TRY.rstrip()}"
            raise Failure(problem, 26) from None
        if name != "data-binary":
            # Only -d joins the lines of a file; that surprises people who send YAML with it.
            data = re.sub(rb"[\r\n]", b"", data)
    message.body = data if message.body is None else message.body + b"&" + data
