"""Content negotiation of a response: its media type, and whether it is a Table or metadata alone.

The real server negotiates twice: the router by media types alone, then the handler by their
parameters too, each with its own error.

Source: go-restful ``Route.matchesAccept``; k8s.io/apiserver
``pkg/endpoints/handlers/negotiation``.
"""

from dataclasses import dataclass, replace

from kube_embedded.machinery import libraries
from kube_embedded.machinery.cache import cached
from kube_embedded.machinery.request import Request
from kube_embedded.machinery.status import ApiError

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
_INSTALLED = {JSON: True, YAML: libraries.YAML, PROTOBUF: libraries.PROTOBUF}
OFFERED = tuple(media_type for media_type, installed in _INSTALLED.items() if installed)
STREAMED = tuple(f"{media_type};stream=watch" for media_type in OFFERED if media_type != YAML)
COLLECTION = (*OFFERED, *STREAMED)
"""The media types of a collection's route: it can be watched too."""
PARTIAL = ("PartialObjectMetadata", "PartialObjectMetadataList")
TRANSFORMS = ("Table", *PARTIAL)
"""The other kinds in which a stored object can be asked for."""
TRUE = ("1", "t", "T", "TRUE", "true", "True")


@dataclass(frozen=True, slots=True)
class Form:
    """The form of an answer.

    Args:
        media_type: ``application/json``, ``application/yaml`` or protobuf.
        as_kind: ``Table``, ``PartialObjectMetadata``, its List, or empty for the object itself.
        meta_version: Version of ``meta.k8s.io`` for these.
        pretty: Indented JSON.
        include: The parameter ``includeObject`` of a Table, not checked yet.
    """

    media_type: str = JSON
    as_kind: str = ""
    meta_version: str = "v1"
    pretty: bool = False
    include: str = ""

    @property
    def key(self) -> str:
        """Identifies the form in caches of encodings."""
        return f"{self.media_type};{self.as_kind};{self.meta_version};{self.pretty}"


@dataclass(frozen=True, slots=True)
class Table:
    """The options of a Table.

    Args:
        include: The part of its object that each row carries: ``Metadata``, ``Object`` or ``None``.
        version: Of ``meta.k8s.io``.
        headers: It has column definitions.
    """

    include: str = "Metadata"
    version: str = "v1"
    headers: bool = True


PLAIN = Form()
"""The object itself as compact JSON, the most common form: there is no equal one beside it."""
PRETTY = Form(pretty=True)


def not_acceptable(message: str) -> ApiError:
    """406: the caller accepts none of the offered forms."""
    return ApiError(406, "NotAcceptable", message)


def check_route(request: Request, offered: tuple[str, ...] = OFFERED) -> None:
    """Check what the router checks: one of the wanted media types must be offered, else 406."""
    if not _matches_route(request.headers.get("accept", ""), offered):
        error = not_acceptable(
            f"406: Not Acceptable\n\nAvailable representations: {', '.join(offered)}"
        )
        error.details = {}
        raise error


@cached(256)
def _matches_route(header: str, offered: tuple[str, ...]) -> bool:
    accepted = [part.partition(";")[0].strip() for part in header.split(",")]
    return not header or any(
        media_type == "*/*" or media_type in offered for media_type in accepted
    )


def negotiate(
    request: Request, *, route: tuple[str, ...] = (), transforms: tuple[str, ...] = TRANSFORMS
) -> Form:
    """Return the form that a request accepts; raise 406 if it accepts none.

    Args:
        request: Its ``Accept`` header, user agent, ``pretty`` and ``includeObject`` are read.
        route: The media types that its route offers, checked first; empty if there is no route.
        transforms: The other kinds to which the object can be converted.
    """
    if route:
        check_route(request, route)
    form = _accepted(request.headers.get("accept", ""), transforms)
    if form is None:
        raise not_acceptable(f"only the following media types are accepted: {', '.join(OFFERED)}")
    if form.as_kind == "Table" and "includeObject" in request.query:
        form = replace(form, include=request.param("includeObject"))
    # People read curl and browsers, programs read the rest.
    if not form.pretty and form.media_type == JSON and wants_pretty(request):
        return PRETTY if form is PLAIN else replace(form, pretty=True)
    return form


def check_stream(form: Form) -> None:
    """Refuse with 406 to watch in a form that cannot be streamed."""
    if form.media_type == YAML:
        raise not_acceptable(f"only the following media types are accepted: {', '.join(STREAMED)}")


def accepts_errors(request: Request) -> bool:
    """Return whether the caller accepts a form in which errors are written."""
    return _accepted(request.headers.get("accept", ""), ()) is not None


def negotiate_error(request: Request) -> Form:
    """Return the form of an error: never a Table, and JSON if the caller accepts none of the offered types."""
    form = _accepted(request.headers.get("accept", ""), ()) or PLAIN
    if form.media_type == JSON and wants_pretty(request):
        return PRETTY
    return form


def wants_pretty(request: Request) -> bool:
    """Return whether JSON is indented: ``?pretty=1``, or the client is curl, wget or a browser."""
    asked = request.query.get("pretty")
    if asked and asked[0]:
        return asked[0] in TRUE
    return request.headers.get("user-agent", "").startswith(("curl", "Wget", "Mozilla/5.0"))


@dataclass(frozen=True, slots=True)
class Clause:
    """One media range of an ``Accept`` header."""

    type: str
    subtype: str
    quality: float
    parameters: tuple[tuple[str, str], ...]


@cached(256)
def parse_accept(header: str) -> tuple[Clause, ...]:
    """The media ranges, best first: by quality, then the more specific."""
    clauses = []
    for part in header.split(","):
        media, *rest = part.split(";")
        type_, slash, subtype = media.strip().partition("/")
        # "*" alone is short for "*/*" in goautoneg.
        if not slash and type_ != "*":
            continue
        quality = 1.0
        parameters = []
        for pair in rest:
            name, equals, value = pair.partition("=")
            name = name.strip()
            value = value.strip()
            if not equals:
                continue
            if name == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 1.0
            else:
                parameters.append((name, value))
        clauses.append(Clause(type_, subtype or "*", quality, tuple(parameters)))
    clauses.sort(key=lambda clause: (-clause.quality, clause.type == "*", clause.subtype == "*"))
    return tuple(clauses)


@cached(256)
def _accepted(header: str, transforms: tuple[str, ...]) -> Form | None:
    if not header:
        return PLAIN
    for clause in parse_accept(header):
        for offered in OFFERED:
            type_, _, subtype = offered.partition("/")
            if clause.type not in (type_, "*") or clause.subtype not in (subtype, "*"):
                continue
            form = _with_parameters(offered, dict(clause.parameters), transforms)
            if form is not None:
                return form
    return None


def _with_parameters(
    media_type: str, parameters: dict[str, str], transforms: tuple[str, ...]
) -> Form | None:
    if parameters.get("sv"):
        return None
    # "watch" is the only stream.
    if parameters.get("stream", "watch") != "watch":
        return None
    as_kind, version = "", "v1"
    if parameters.keys() & {"as", "g", "v"}:
        as_kind = parameters.get("as", "")
        version = parameters.get("v", "")
        known = as_kind in transforms and not (as_kind == "Table" and media_type == PROTOBUF)
        if not known or version not in ("v1", "v1beta1") or parameters.get("g") != "meta.k8s.io":
            return None
    form = Form(media_type, as_kind, version, parameters.get("pretty") == "1")
    return next((usual for usual in (PLAIN, PRETTY) if usual == form), form)
