"""A learner's work as one file, to go on elsewhere: progress, notebooks and objects, but no token and no key."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from kube_embedded.rbac.objects import Object
from labkit.client.discovery import group_versions, resource_entries, version_path
from labkit.client.manifests import title
from labkit.core.errors import LabkitError, UsageError
from labkit.core.language import text
from labkit.core.redact import redact_all

from .lab import Lab

WORK = "labkit work"
KUBERNETES = re.compile(r"kube-|kubelet|kubeadm|api-priority-|.*-controller$")
"""Managers in ``managedFields`` that are parts of Kubernetes."""


def pack(lab: Lab, notebooks: Mapping[str, Object]) -> str:
    """Return the text of a file with the work; of the Secrets only opaque ones without a token or a private key."""
    content = redact_all({"notebooks": notebooks, "objects": own(_objects(lab))})
    return json.dumps({WORK: 1, "progress": lab.progress.exported(), "content": content})


def own(objects: Iterable[Object]) -> list[Object]:
    """Return manifests of the objects that people made or changed, in the order in which to create them."""
    # An object needs its namespace, and the ServiceAccount admission plugin refuses a pod whose
    # account does not exist yet.
    made = map(_portable, filter(_is_own, objects))
    return sorted(
        made, key=lambda obj: (obj["kind"] != "Namespace", obj["kind"] != "ServiceAccount")
    )


def read(text: str) -> tuple[str, dict[str, Object], list[Object]]:
    """Return the progress, the notebooks and the objects of a file with work; other text counts as progress.

    Raises:
        UsageError: A newer labkit saved it.
    """
    try:
        work = json.loads(text)
        version = work[WORK]
        content = work["content"]
        found = (
            str(work["progress"]),
            dict(content["notebooks"]),
            [*map(_portable, content["objects"])],
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return text, {}, []
    if version != 1:
        raise UsageError("A newer labkit saved this work.", todo="Update labkit here.")
    return found


def load(lab: Lab, objects: list[Object], *, overwrite: bool) -> list[str]:
    """Create missing objects, and change others with ``overwrite``; return a line for each that is left."""
    left: list[str] = []
    for obj in objects:
        try:
            here = lab.admin.without_observers().get(lab.resources.path(obj))
            if overwrite or here.status == 404:
                lab.apply(obj)
            elif _portable(here.body) != obj:
                left.append(text("{each} is another one here.", title(obj)))
        except (LabkitError, KeyError, TypeError) as error:
            # One object that this cluster refuses must not keep the others from being created.
            left.append(f"{title(obj)}: {error}")
    return left


def _objects(lab: Lab) -> Iterator[Object]:
    admin = lab.admin.without_observers()
    for version in group_versions(admin):
        for kind in resource_entries(admin, version):
            if {"create", "list"} <= {*kind["verbs"]}:
                for item in admin.get(f"{version_path(version)}/{kind['name']}").body.get(
                    "items", ()
                ):
                    yield {**item, "apiVersion": version, "kind": kind["kind"]}


def _is_own(obj: Object) -> bool:
    metadata = obj["metadata"]
    kind = obj["kind"]
    # Field managers tell people's objects from Kubernetes' own, whatever client they used.
    managers = [entry["manager"] for entry in metadata.get("managedFields", ())]
    bare = not (
        metadata["name"] == "default" or metadata.get("namespace", "kube-").startswith("kube-")
    )
    # An object with nothing but a name, such as a service account, has no managedFields.
    own = not all(map(KUBERNETES.match, managers)) if managers else bare
    secret = kind == "Secret" and (obj.get("type") != "Opaque" or redact_all(obj) != obj)
    return own and kind != "Event" and not secret and not metadata.get("ownerReferences")


def _portable(obj: Object) -> Object:
    metadata = obj["metadata"]
    spec = obj.get("spec", {})
    kept = {
        key: metadata[key]
        for key in ("name", "namespace", "labels", "annotations")
        if key in metadata
    }
    spec = {
        key: value
        for key, value in spec.items()
        # The cluster chose these; in another one they can be taken, or not exist.
        if key not in ("nodeName", "clusterIP", "clusterIPs")
    }
    rest = {key: value for key, value in obj.items() if key not in ("status", "metadata", "spec")}
    return {**rest, "metadata": kept, **({"spec": spec} if spec else {})}
