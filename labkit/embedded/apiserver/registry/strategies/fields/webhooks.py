"""How webhooks are called: their URL or service, and the versions of the reviews that they read.

Source: k8s.io/apiserver ``pkg/util/webhook/validation.go``.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_1035_label, dns_subdomain, port_number
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.request import Object

FORM = "; desired format: https://host[/path]"
DEFAULT_PORT = 443


def check_client(config: Object, path: str, errors: FieldErrors) -> None:
    """Check where a webhook is."""
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        errors.required(path, "exactly one of url or service is required")
    elif url is not None:
        _check_url(url, f"{path}.url", errors)
    elif service is not None:
        _check_service(service, f"{path}.service", errors)


def _check_url(url: str, path: str, errors: FieldErrors) -> None:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        errors.required(path, f"url must be a valid URL: parse {go_quote(url)}: {error}{FORM}")
        return
    user, _, host = parts.netloc.rpartition("@")
    if parts.scheme != "https":
        errors.invalid(path, parts.scheme, f"'https' is the only allowed URL scheme{FORM}")
    if not host:
        errors.invalid(path, host, f"host must be provided{FORM}")
    for value, what in (
        (user, "user information is"),
        (parts.fragment, "fragments are"),
        (parts.query, "query parameters are"),
    ):
        if value:
            errors.invalid(path, value, f"{what} not permitted in the URL")


def _check_service(service: Object, path: str, errors: FieldErrors) -> None:
    for name in ("name", "namespace"):
        errors.check_present(f"{path}.{name}", service.get(name), f"service {name} is required")
    port = service.get("port", DEFAULT_PORT)
    if port_number(port):
        errors.invalid(f"{path}.port", port, f"port is not valid: {', '.join(port_number(port))}")
    text, place = service.get("path") or "/", f"{path}.path"
    if text == "//":
        errors.invalid(place, text, "segment[0] may not be empty")
    if text in ("/", "//"):
        return
    if not text.startswith("/"):
        errors.invalid(place, text, "must start with a '/'")
    for index, step in enumerate(text[1:].removesuffix("/").split("/")):
        problems = [f"segment[{index}]: {why}" for why in dns_subdomain(step)]
        errors.invalid_each(
            place, text, problems if step else [f"segment[{index}] may not be empty"]
        )


def check_reviews(versions: Sequence[str] | None, path: str, errors: FieldErrors) -> None:
    """Check the versions of reviews that a webhook reads."""
    if not versions:
        errors.required(path)
        return
    for index, version in enumerate(versions):
        if version in versions[:index]:
            errors.invalid(f"{path}[{index}]", version, "duplicate version")
        else:
            errors.check_format(f"{path}[{index}]", version, dns_1035_label)
    if not {"v1", "v1beta1"}.intersection(versions):
        errors.invalid(path, versions, "must include at least one of v1, v1beta1")
