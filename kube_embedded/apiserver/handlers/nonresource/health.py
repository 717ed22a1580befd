"""Health endpoints: ``/healthz``, ``/livez``, ``/readyz`` and their checks.

Source: k8s.io/apiserver ``pkg/server/healthz``.
"""

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.request import Request, Response

CHECKS = {
    "healthz": ("ping", "log", "etcd"),
    "livez": ("ping", "log", "etcd"),
    "readyz": ("ping", "log", "informer-sync", "shutdown"),
}
"""The checks of each endpoint that apply to this server, in the real server's order."""

TEXT = {"Content-Type": "text/plain; charset=utf-8"}
NOSNIFF = {**TEXT, "X-Content-Type-Options": "nosniff"}


def health(request: Request) -> Response | None:
    """Return the response of a health endpoint; None for any other path.

    A server that answers is healthy: no part of it can fail alone.
    """
    endpoint, below, check = request.path.removeprefix("/").partition("/")
    checks = CHECKS.get(endpoint)
    if checks is None or (below and not check):
        return None
    if check:
        return Response(200, dict(TEXT), b"ok") if check in checks else None
    # Repeated names are reported once.
    excluded = list(dict.fromkeys(request.query.get("exclude", ())))
    if "verbose" not in request.query:
        return Response(200, dict(NOSNIFF), b"ok")
    lines = [f"[+]{name} excluded: ok" if name in excluded else f"[+]{name} ok" for name in checks]
    unknown = [name for name in excluded if name not in checks]
    if unknown:
        quoted = ",".join(map(go_quote, unknown))
        lines.append(f"warn: some health checks cannot be excluded: no matches for {quoted}")
    lines.append(f"{endpoint} check passed")
    return Response(200, dict(NOSNIFF), ("\n".join(lines) + "\n").encode())
