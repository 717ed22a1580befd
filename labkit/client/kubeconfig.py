"""Read a named kubeconfig, and copy one context of it.

``~/.kube/config`` is read only when it is named. The official client's loader is not used, because it
takes a second to import, leaves private keys in temporary files until the process ends, reads a token
file once, and logs a credential plugin's failure and goes on without a credential. Its
``ExecProvider`` runs the plugins.
Source: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from labkit.core.errors import UsageError, near
from labkit.core.home import write_private
from labkit.core.language import text
from labkit.core.redact import redact
from labkit.core.version import LAB_AGENT
from labkit.core.yaml_file import LOADER

from .transport import Credentials, Endpoint

if TYPE_CHECKING:
    from .client import Client

# libyaml's, as LOADER.
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
"""The fields that name files, relative to the kubeconfig's directory."""

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """One context of a kubeconfig, with its cluster's server and its user's credential."""

    name: str
    endpoint: Endpoint
    credentials: Credentials


def load(path: Path, context: str = "", *, scratch: Path | None = None) -> Context:
    """Read one context of a kubeconfig; by default its current one.

    Args:
        path: The file.
        context: The context's name.
        scratch: The directory for a client certificate's temporary file.

    Raises:
        UsageError: When the file is missing, broken, or lacks the context.
    """
    document = read(path)
    # Unlike kubectl, $KUBECONFIG with several files is not merged: the learner has named this one.
    name = context or str(document.get("current-context") or "")
    _, cluster, user = _resolve(document, name, path)
    return Context(name, _endpoint(cluster, path, scratch), _credentials(user, cluster, path))


def administrator(path: Path, **options: Any) -> Client:
    """Return a kubeconfig's user as a caller for the lab's own requests; the options are those of ``Client``."""
    from .client import Client

    context = load(path, scratch=path.parent)
    return Client(context.endpoint, context.credentials, name="admin", agent=LAB_AGENT, **options)


def extract(path: Path, context: str, target: Path) -> None:
    """Copy one context into a kubeconfig of its own, with mode 0600.

    Raises:
        UsageError: When the file is missing, broken, or lacks the context.
    """
    chosen, cluster, user = _resolve(read(path), context, path)
    copy = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": chosen.get("cluster"), "cluster": _absolute(cluster, path)}],
        "users": [{"name": chosen["user"], "user": _absolute(user, path)}]
        if chosen.get("user")
        else [],
        "contexts": [{"name": context, "context": chosen}],
        "current-context": context,
    }
    write_private(target, yaml.dump(copy, Dumper=DUMPER, sort_keys=False))


def read(path: Path) -> dict[str, Any]:
    """Read a kubeconfig.

    Raises:
        UsageError: When it is missing or not a kubeconfig.
    """
    try:
        document = _parsed(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            text("The kubeconfig {path} cannot be read.", path),
            why=reason,
            todo="Check the file's name.",
        ) from error
    except yaml.YAMLError as error:
        raise UsageError(
            text("The kubeconfig {path} is not YAML.", path),
            why=str(error).splitlines()[0],
            todo="Check the file.",
        ) from error
    if not isinstance(document, dict) or not isinstance(document.get("contexts"), list):
        raise UsageError(
            text("{path} is not a kubeconfig.", path),
            why="it has no list of contexts",
            todo="Name the file that kubectl uses there.",
        )
    return document


def _parsed(text: str) -> Any:
    """Return the document; JSON, which is YAML too, is parsed many times as fast."""
    if text.startswith("{"):
        with suppress(ValueError):
            return json.loads(text)
    return yaml.load(text, Loader=LOADER)


def _resolve(document: Fields, name: str, path: Path) -> tuple[Fields, Fields, Fields]:
    """Return a context, its cluster and its user; a context without a user has an empty one."""
    contexts = _named(document, "context")
    if name not in contexts:
        raise UsageError(
            text('{path} has no context "{name}".', path, name)
            if name
            else text("{path} names no current context.", path),
            todo=near(name, contexts) or "Name one with `kubectl config use-context`.",
        )
    chosen = contexts[name]
    cluster = _lookup(document, "cluster", str(chosen.get("cluster", "")), path)
    user = _lookup(document, "user", str(chosen["user"]), path) if chosen.get("user") else {}
    return chosen, cluster, user


def _endpoint(cluster: Mapping[str, Any], path: Path, scratch: Path | None) -> Endpoint:
    server = str(cluster.get("server") or "")
    if not server.startswith(("https://", "http://")):
        raise UsageError(
            text("{path} names no server.", path),
            why=text('"{server}" is no https:// address', server),
            todo="Check its clusters.",
        )
    ca_file = cluster.get("certificate-authority")
    return Endpoint(
        # The address can have a path: some providers serve many clusters at one host.
        server=server.rstrip("/"),
        ca=_data(cluster, "certificate-authority", path),
        ca_file=str(_beside(path, ca_file)) if ca_file else "",
        server_name=str(cluster.get("tls-server-name") or ""),
        verify=not cluster.get("insecure-skip-tls-verify"),
        scratch=scratch,
    )


def _credentials(user: Mapping[str, Any], cluster: Mapping[str, Any], path: Path) -> Credentials:
    # kubectl sends a certificate and a token together, and the server authenticates by the certificate.
    certificate = _data(user, "client-certificate", path)
    if certificate:
        return Credentials(certificate=certificate, key=_data(user, "client-key", path))
    # Before the token: of both, Kubernetes prefers the file's, which is read again and again.
    # Source: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/#AuthInfo
    if user.get("tokenFile"):
        return Credentials(token_source=_file_token(_beside(path, user["tokenFile"])))
    if user.get("token"):
        return Credentials(token=str(user["token"]))
    if user.get("exec"):
        return _plugin(user["exec"], cluster, path)
    if user.get("auth-provider") or user.get("username"):
        raise UsageError(
            text("{path} uses a way to log in that Kubernetes has dropped.", path),
            why="auth-provider and passwords have left Kubernetes",
            todo="Renew the kubeconfig with your provider's current tool.",
        )
    return Credentials()


def _file_token(path: Path) -> Callable[[], str]:
    def token() -> str:
        try:
            # Read for each request, because whatever renews the token replaces the file.
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UsageError(
                text("The token file {path} cannot be read.", path),
                why=str(error.strerror),
                todo="Log in again, or correct tokenFile.",
            ) from error

    return token


def _plugin(spec: Mapping[str, Any], cluster: Mapping[str, Any], path: Path) -> Credentials:
    """Run a credential plugin now, and again whenever the token that it gave has expired.

    Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
    """

    def run() -> Fields:
        from kubernetes.config import ConfigException
        from kubernetes.config.exec_provider import ExecProvider
        from kubernetes.config.kube_config import ConfigNode

        provider: Any = ExecProvider  # the official client's classes carry no types
        node: Any = ConfigNode
        try:
            # The directory, because a command's relative path is relative to the kubeconfig.
            return dict(
                provider(
                    node("exec", dict(spec)), str(path.parent), node("cluster", dict(cluster))
                ).run()
            )
        except (
            ConfigException,
            OSError,
            AttributeError,
        ) as error:  # AttributeError: ExecProvider's own bug for a failure in a terminal
            raise UsageError(
                text("The login program of {path} failed: {command}.", path, spec.get("command")),
                why="" if isinstance(error, AttributeError) else redact(str(error)),
                todo="Run it by hand, log in, and try again.",
            ) from error

    status = run()
    # A certificate is not renewed: it belongs to the connections, which are open by then.
    if status.get("clientCertificateData"):
        return Credentials(
            certificate=status["clientCertificateData"], key=str(status.get("clientKeyData") or "")
        )

    def token() -> str:
        nonlocal status
        # client-go runs the plugin again after a 401 as well; here the learner sees that 401.
        expires = status.get("expirationTimestamp")
        if expires and datetime.fromisoformat(expires) <= datetime.now(UTC):
            status = run()
        return str(status.get("token") or "")

    return Credentials(token_source=token)


def _data(entry: Mapping[str, Any], key: str, path: Path) -> str:
    """Return the PEM in ``<key>-data``, or in the file that ``<key>`` names."""
    try:
        # The inline data overrides the file, as in client-go.
        if entry.get(f"{key}-data"):
            return base64.b64decode(entry[f"{key}-data"], validate=True).decode("ascii")
        if entry.get(key):
            return _beside(path, entry[key]).read_text(encoding="ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError, OSError) as error:
        raise UsageError(
            text("{key} of {path} cannot be read.", key, path),
            why=str(error),
            todo="Download the file again.",
        ) from error
    return ""


def _absolute(entry: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return an entry whose files are named by absolute paths, so that it holds in another directory."""
    return {**entry, **{key: str(_beside(path, entry[key])) for key in FILES if entry.get(key)}}


def _beside(path: Path, name: object) -> Path:
    return (path.absolute().parent / Path(str(name)).expanduser()).absolute()


def _named(document: Mapping[str, Any], singular: str) -> dict[str, dict[str, Any]]:
    """Return the contexts, clusters or users by their names."""
    entries = document.get(f"{singular}s") or []
    found = (entry for entry in entries if isinstance(entry, dict))
    return {str(entry.get("name")): dict(entry.get(singular) or {}) for entry in found}


def _lookup(document: Mapping[str, Any], singular: str, name: str, path: Path) -> dict[str, Any]:
    entries = _named(document, singular)
    if name not in entries:
        raise UsageError(
            text('{path} has no {singular} "{name}".', path, singular, name),
            todo=near(name, entries),
        )
    return entries[name]
