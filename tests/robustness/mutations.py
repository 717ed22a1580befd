"""Requests that no decent client sends, made from ones that every client sends."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

CORE = "/api/v1/namespaces/default"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
DRY = "dryRun=All"
JSON = "application/json"


@dataclass
class Raw:
    """A request in parts, before it becomes bytes.

    Args:
        method: Such as GET.
        target: Path and query.
        headers: Lines without their ends.
        body: The body; its length is said unless a header does it otherwise.
        version: The HTTP version.
    """

    method: str
    target: str
    headers: list[bytes] = field(default_factory=list)
    body: bytes = b""
    version: bytes = b"HTTP/1.1"

    def encode(self) -> bytes:
        """The bytes to send."""
        lines = [
            b" ".join(
                (self.method.encode(), self.target.encode("utf-8", "surrogateescape"), self.version)
            )
        ]
        lines += self.headers
        said = {line.partition(b":")[0].strip().lower() for line in self.headers}
        if (self.body or self.method in ("POST", "PUT", "PATCH")) and not said & {
            b"content-length",
            b"transfer-encoding",
        }:
            lines.append(b"Content-Length: %d" % len(self.body))
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


def config_map(**more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "fuzz"},
        "data": {"a": "b"},
        **more,
    }


ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "fuzz", "namespace": "default"},
    "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}],
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "fuzz", "labels": {"a": "b"}},
    "spec": {"containers": [{"name": "main", "image": "debian", "ports": [{"containerPort": 80}]}]},
}
REVIEW = {
    "apiVersion": "authorization.k8s.io/v1",
    "kind": "SelfSubjectAccessReview",
    "spec": {"resourceAttributes": {"verb": "get", "resource": "secrets", "namespace": "default"}},
}
TOKEN_REQUEST = {
    "apiVersion": "authentication.k8s.io/v1",
    "kind": "TokenRequest",
    "spec": {"expirationSeconds": 600},
}

READS = (
    "/", "/api", "/apis", "/version", "/healthz", "/livez?verbose", "/openid/v1/jwks", "/openapi/v3",
    "/.well-known/openid-configuration", "/api/v1", RBAC,
    f"{CORE}/secrets", f"{CORE}/secrets/canary", "/api/v1/secrets?limit=2",
    f"{CORE}/configmaps?labelSelector=a%3Db", f"{CORE}/pods?fieldSelector=status.phase%3DRunning",
    "/api/v1/namespaces/default", f"{CORE}/serviceaccounts/default",
    f"{RBAC}/clusterroles?limit=3", f"{RBAC}/namespaces/default/roles",
    f"{CORE}/secrets?watch=1&timeoutSeconds=1", f"{CORE}/pods/curl/log?container=main&tailLines=1",
    f"{CORE}/pods/curl/exec?command=id&stdout=true", "/kube-embedded/snapshots", "/apis/nope/v1/things",
)  # fmt: skip

WRITES: tuple[tuple[str, str, Any], ...] = (
    ("POST", f"{CORE}/configmaps?{DRY}", config_map()),
    ("PUT", f"{CORE}/configmaps/canary?{DRY}", config_map(metadata={"name": "canary"})),
    ("POST", f"{CORE}/pods?{DRY}", POD),
    ("POST", f"{RBAC}/namespaces/default/roles?{DRY}", ROLE),
    ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", REVIEW),
    ("POST", f"{CORE}/serviceaccounts/default/token", TOKEN_REQUEST),
    ("DELETE", f"{CORE}/configmaps/canary?{DRY}", {"kind": "DeleteOptions", "apiVersion": "v1"}),
    ("DELETE", f"{CORE}/configmaps?{DRY}&labelSelector=no%3Dsuch", None),
)
PATCHES = (
    ("application/json-patch+json", [{"op": "replace", "path": "/data/a", "value": "c"}]),
    ("application/merge-patch+json", {"data": {"a": None, "c": "d"}}),
    (
        "application/strategic-merge-patch+json",
        {"metadata": {"labels": {"$patch": "replace", "x": "y"}}},
    ),
    ("application/apply-patch+yaml", config_map(metadata={"name": "canary"})),
)
ACCEPTS = (
    b"application/json", b"*/*", b"application/yaml", b"application/vnd.kubernetes.protobuf, application/json",
    b"application/json;as=Table;v=v1;g=meta.k8s.io", b"text/html", b"application/json;as=Nope;v=v9;g=x", b"", b";;,,q=",
    b"application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    b"application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
)  # fmt: skip
CONTENT_TYPES = (
    b"application/json", b"application/yaml", b"application/vnd.kubernetes.protobuf", b"text/plain", b"", b"a/b;c",
    b"application/json; charset=latin-1", b"application/apply-patch+yaml", b"application/json-patch+json",
    b"application/merge-patch+json", b"application/strategic-merge-patch+json", b"application/cbor",
)  # fmt: skip
SEGMENTS = (
    "..", ".", "", "%2e%2e", "%2f", "%00", "%ff%fe", "watch", "proxy", "namespaces", "*", "~", "canary",
    "status", "exec", "log", "token", "finalize", "secrets", "a" * 300, "%C3%BC", "api", "v1", "$(id)", "'", "%25",
)  # fmt: skip
VALUES = (
    "", "0", "-1", "1", "true", "false", "TRUE", "nope", "99999999999999999999", "1e9", "%zz", "%00", "%ff", "a=b",
    "a%3Db", "a%21%3Db", "a in (b,c)", "a+in+%28b%2Cc%29", "%21a", "metadata.name%3Dcanary", "spec.nope%3D1", ",,,",
    "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0", "a" * 5000, "All", "Exact", "NotOlderThan", "Strict",
    "%7B%7D", "Foreground", "2147483648", "-9223372036854775809",
)  # fmt: skip
PARAMETERS = (
    "watch", "limit", "continue", "resourceVersion", "resourceVersionMatch", "labelSelector", "fieldSelector",
    "timeoutSeconds", "dryRun", "fieldManager", "force", "fieldValidation", "pretty", "propagationPolicy",
    "allowWatchBookmarks", "sendInitialEvents", "gracePeriodSeconds", "command", "container", "stdin", "tailLines",
    "includeObject", "verbose", "exclude", "timeout", "sinceSeconds", "limitBytes",
)  # fmt: skip
SCALARS: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 1e308, 10**30, "", "\u0000", "x" * 3000, "\ud7ff", "a/b", "../..", [], {}, [[]], [None],
    {"": ""}, {"$patch": "delete"}, {"a": {"b": {"c": 1}}}, ["*"], "system:masters",
)  # fmt: skip


class Mutator:
    """Makes requests from a seed.

    Args:
        seed: The same seed makes the same requests.
        tokens: Valid tokens of accounts without rights, and of one with all rights (last).
    """

    def __init__(self, seed: int, tokens: tuple[str, ...] = ()) -> None:
        self._random = random.Random(seed)
        self._tokens = tokens

    def request(self, *, credentials: bool) -> bytes:
        """One request.

        Args:
            credentials: Add a token, valid or damaged, or impersonation to some requests. Not for
                a connection whose certificate has all rights.
        """
        choose = self._random
        raw = self._base()
        if credentials and choose.random() < 0.6:
            raw.headers.append(self._authorization())
        if choose.random() < 0.15:
            raw.headers += self._impersonation(credentials)
        for _ in range(choose.choice((0, 1, 1, 1, 2, 3))):
            raw = choose.choice(MUTATIONS)(self, raw)
        data = raw.encode()
        if choose.random() < 0.15:
            data = self._damage(data)
        return data

    def _base(self) -> Raw:
        choose = self._random
        kind = choose.random()
        headers = [
            b"Host: localhost",
            b"Accept: " + choose.choice(ACCEPTS[:3]),
            b"User-Agent: fuzz",
        ]
        if kind < 0.55:
            return Raw(choose.choice(("GET", "GET", "GET", "HEAD")), choose.choice(READS), headers)
        if kind < 0.8:
            method, target, obj = choose.choice(WRITES)
            body = json.dumps(obj).encode() if obj is not None else b""
            return Raw(method, target, [*headers, b"Content-Type: application/json"], body)
        media, patch = choose.choice(PATCHES)
        target = f"{CORE}/configmaps/canary?{DRY}" + ("&fieldManager=f" if "apply" in media else "")
        return Raw(
            "PATCH",
            target,
            [*headers, b"Content-Type: " + media.encode()],
            json.dumps(patch).encode(),
        )

    def _authorization(self) -> bytes:
        choose = self._random
        if self._tokens and choose.random() < 0.3:
            return b"Authorization: Bearer " + choose.choice(self._tokens[:-1]).encode()
        return b"Authorization: " + self._bad_credential()

    def _bad_credential(self) -> bytes:
        choose = self._random
        if not self._tokens or choose.random() < 0.3:
            return choose.choice(
                (b"Bearer", b"Bearer ", b"Bearer x", b"Basic YTpi", b"bearer  a b c", b"Bearer \xff\xfe", b"Bearer ..",
                 b"Bearer " + b"A" * 20000, b"Bearer a.b.c", b"Negotiate x", b"Bearer eyJhbGciOiJub25lIn0.e30.")
            )  # fmt: skip
        head, payload, signature = self._tokens[-1].split(".")
        kind = choose.randrange(5)
        if kind == 0:
            signature = _flip(signature, choose)
        elif kind == 1:
            payload = _flip(payload, choose)
        elif kind == 2:
            head = _b64(
                {
                    "alg": choose.choice(("none", "None", "HS256", "RS512", "ES256", "", None)),
                    "kid": "x",
                }
            )
            signature = choose.choice((signature, "", "AA"))
        elif kind == 3:
            claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
            claims[choose.choice(list(claims))] = choose.choice(SCALARS[:9])
            payload = _b64(claims)
        else:
            signature = choose.choice(("", signature[: len(signature) // 2], "A" * 343))
        return f"Bearer {head}.{payload}.{signature}".encode()

    def _impersonation(self, credentials: bool) -> list[bytes]:
        choose = self._random
        names = (
            b"system:masters",
            b"",
            b"\xff",
            b"a" * 1000,
            b"system:serviceaccount:default:default",
            b"kubernetes-admin",
        )
        lines = [b"Impersonate-User: " + choose.choice(names)]
        if choose.random() < 0.5:
            lines.append(b"Impersonate-Group: " + choose.choice(names))
        if choose.random() < 0.3:
            lines.append(b"Impersonate-Extra-%2e%zz: " + choose.choice(names))
        if choose.random() < 0.2:
            lines = lines[1:] or [b"Impersonate-Uid: 1"]
        return lines

    def _damage(self, data: bytes) -> bytes:
        """A few bytes changed, lost, or added."""
        choose = self._random
        damaged = bytearray(data)
        for _ in range(choose.randrange(1, 5)):
            if not damaged:
                break
            at = choose.randrange(len(damaged))
            kind = choose.randrange(3)
            if kind == 0:
                damaged[at] = choose.randrange(256)
            elif kind == 1:
                del damaged[at : at + choose.randrange(1, 9)]
            else:
                damaged[at:at] = choose.choice(
                    (b"\r\n", b"\n", b"\x00", b"\xff\xff", b" ", b"\t", b":", b"\r\n\r\n")
                )
        return bytes(damaged)

    def mutate_path(self, raw: Raw) -> Raw:
        """A segment more, less or otherwise."""
        path, mark, query = raw.target.partition("?")
        parts = path.split("/")
        at = self._random.randrange(len(parts))
        kind = self._random.randrange(4)
        if kind == 0:
            parts[at:at] = [self._random.choice(SEGMENTS)]
        elif kind == 1:
            parts[at] = self._random.choice(SEGMENTS)
        elif kind == 2:
            del parts[at]
        else:
            parts += [self._random.choice(SEGMENTS)] * self._random.choice((1, 2, 500))
        return replace(raw, target="/".join(parts) + mark + query)

    def mutate_query(self, raw: Raw) -> Raw:
        """A parameter with an odd value, perhaps twice."""
        choose = self._random
        pairs = [
            f"{choose.choice(PARAMETERS)}={choose.choice(VALUES)}"
            for _ in range(choose.choice((1, 1, 2, 40)))
        ]
        if any(pair.startswith("watch") for pair in pairs):
            pairs.append("timeoutSeconds=1")
        return replace(
            raw, target=raw.target + ("&" if "?" in raw.target else "?") + "&".join(pairs)
        )

    def mutate_method(self, raw: Raw) -> Raw:
        """Another method, perhaps one that does not exist."""
        methods = (
            "GET",
            "HEAD",
            "POST",
            "PUT",
            "PATCH",
            "DELETE",
            "OPTIONS",
            "TRACE",
            "CONNECT",
            "FOO",
            "get",
            "",
        )
        return replace(raw, method=self._random.choice(methods))

    def mutate_header(self, raw: Raw) -> Raw:
        """A header more, less, twice, or huge."""
        choose = self._random
        odd = (
            b"Host: other", b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 99999999999999999999",
            b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity",
            b"Expect: 100-continue", b"Expect: x", b"Connection: close", b"Connection: Upgrade", b"Upgrade: websocket",
            b"Upgrade: SPDY/3.1", b"Upgrade: h2c", b"X: " + b"y" * 70000, b"X" * 5000 + b": y", b" folded", b"no colon",
            b": empty", b"X : space", b"X:\x00", b"X: \xff\xfe", b"Cookie: a=b", b"X-Forwarded-For: 1.2.3.4, x",
            b"X-Remote-User: kubernetes-admin", b"X-Remote-Group: system:masters", b"Content-Encoding: gzip",
            b"Accept-Encoding: gzip", b"If-None-Match: *", b"Range: bytes=0-1", b"Audit-Id: mine\tyours",
            b"Sec-WebSocket-Protocol: v5.channel.k8s.io", b"Sec-WebSocket-Key: x", b"Sec-WebSocket-Version: 99",
        )  # fmt: skip
        headers = list(raw.headers)
        kind = choose.randrange(5)
        if kind == 0 and headers:
            del headers[choose.randrange(len(headers))]
        elif kind == 1 and headers:
            headers.append(choose.choice(headers))
        elif kind == 2:
            headers += [b"X-%d: y" % number for number in range(choose.choice((10, 900, 2000)))]
        else:
            headers.insert(choose.randrange(len(headers) + 1), choose.choice(odd))
        return replace(raw, headers=headers)

    def mutate_media(self, raw: Raw) -> Raw:
        """Other media types."""
        headers = [
            line for line in raw.headers if not line.startswith((b"Accept:", b"Content-Type:"))
        ]
        headers.append(b"Accept: " + self._random.choice(ACCEPTS))
        headers.append(b"Content-Type: " + self._random.choice(CONTENT_TYPES))
        return replace(raw, headers=headers)

    def mutate_version(self, raw: Raw) -> Raw:
        """Another version of HTTP."""
        return replace(
            raw,
            version=self._random.choice(
                (b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/9", b"http/1.1", b"")
            ),
        )

    def mutate_value(self, raw: Raw) -> Raw:
        """Somewhere in the body a value of another kind."""
        try:
            obj = json.loads(raw.body)
        except (ValueError, RecursionError):
            return self.mutate_body(raw)
        for _ in range(self._random.choice((1, 1, 2, 5))):
            obj = self._replace_somewhere(obj)
        return replace(raw, body=json.dumps(obj).encode("utf-8", "surrogatepass"))

    def _replace_somewhere(self, value: Any, depth: int = 0) -> Any:
        choose = self._random
        if depth and choose.random() < 0.25:
            return choose.choice(SCALARS)
        if isinstance(value, dict) and value:
            key = choose.choice(list(value))
            changed = {**value, key: self._replace_somewhere(value[key], depth + 1)}
            if choose.random() < 0.2:
                changed[
                    choose.choice(("unknown", "", "metadata", "status", "a" * 300, "$patch"))
                ] = choose.choice(SCALARS)
            if choose.random() < 0.1:
                del changed[key]
            return changed
        if isinstance(value, list) and value:
            at = choose.randrange(len(value))
            return [*value[:at], self._replace_somewhere(value[at], depth + 1), *value[at:]]
        return choose.choice(SCALARS)

    def mutate_body(self, raw: Raw) -> Raw:
        """Return a body that is not an object, or a dangerous one."""
        choose = self._random
        depth = choose.choice((50, 2000, 100_000))
        laughs = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
            b"%c: &%c [%b]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9))
            for i in range(9)
        )
        body = choose.choice(
            (
                b"", b"{", b"null", b"[]", b"1", b'"x"', b"\xff\xfe\x00", b"k8s\x00", b"k8s\x00" + choose.randbytes(40),
                b"[" * depth, b'{"a":' * depth, b'{"metadata":{"labels":{"a":' + b"[" * depth, b"- " * depth, laughs,
                b'{"kind":"ConfigMap","kind":"Pod","metadata":{"name":"a"}}', b'{"a":NaN}', b'{"a":1e999}',
                b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"\\ud800"}}', b"a: !!python/object:a.b {}",
                b"---\n---\n---\n", b"{" + b"x" * 100_000, b"kind: ConfigMap\nmetadata: {name: &a [*a]}\n",
                b"k8s\x00\x0a\x08\x0a\x02v1\x12\x02X" + b"\xff" * 9, b"? {a: b}\n: c\n", raw.body[: len(raw.body) // 2],
            )
        )  # fmt: skip
        return replace(
            raw, body=body, method=raw.method if raw.method not in ("GET", "HEAD") else "POST"
        )

    def mutate_chunks(self, raw: Raw) -> Raw:
        """The body in chunks, good or bad."""
        choose = self._random
        size = choose.choice(
            (
                b"%x" % len(raw.body),
                b"0",
                b"-1",
                b"zz",
                b"ffffffffffffffff",
                b"%x;ext=1" % len(raw.body),
            )
        )
        end = choose.choice(
            (b"\r\n0\r\n\r\n", b"\r\n0\r\nTrailer: x\r\n\r\n", b"0\r\n\r\n", b"\r\n0\r\n")
        )
        headers = [*raw.headers, b"Transfer-Encoding: chunked"]
        return replace(raw, headers=headers, body=size + b"\r\n" + raw.body + end)


Mutation = Callable[[Mutator, Raw], Raw]
MUTATIONS: tuple[Mutation, ...] = (
    Mutator.mutate_path, Mutator.mutate_path, Mutator.mutate_query, Mutator.mutate_query, Mutator.mutate_method,
    Mutator.mutate_header, Mutator.mutate_header, Mutator.mutate_media, Mutator.mutate_version, Mutator.mutate_value,
    Mutator.mutate_value, Mutator.mutate_body, Mutator.mutate_chunks,
)  # fmt: skip


def _b64(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _flip(part: str, choose: random.Random) -> str:
    data = bytearray(base64.urlsafe_b64decode(part + "=="))
    data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
