"""The clients of a learner, each with the same two verbs: ask for a path as somebody, and make objects."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

import yaml
from kubernetes import client as official
from kubernetes import config
from kubernetes.dynamic import DynamicClient

from kube_embedded.tests.support.until import SECONDS
from labkit.lab.lab import Lab

ADMIN, ANONYMOUS, BAD_TOKEN, PROXY = (
    "the administrator",
    "nobody",
    "a bad token",
    "the administrator, through a proxy",
)
AMBASSADOR = "the pod curl-custom-sa, through its ambassador"
"""Who asks; anybody else is a service account, as NAMESPACE/NAME."""

Object = dict[str, Any]


class Client(NamedTuple):
    """A client of the API.

    Args:
        ask: Sends a GET for a path as some caller; None if the client cannot.
        make: Creates or changes objects as the administrator; None if the client cannot.
        needs: The required program.
    """

    ask: Callable[[Lab, str, str], object]
    make: Callable[[Lab, Object], object] | None
    needs: str = ""


def shell(lab: Lab, *words: str, text: str = "") -> int:
    """Run a command as in the learner's terminal, with the lab's kubeconfig; return its exit code."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(lab.home), "LABKIT_HOME": str(lab.home)}
    environment |= {"KUBECONFIG": str(lab.kubeconfig)}
    done = subprocess.run(
        words,
        env=environment,
        input=text.encode(),
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode


def token(lab: Lab, who: str) -> str:
    """Request a token of a service account, without evidence for any step."""
    if who == BAD_TOKEN:
        return "not-a-token"
    answer = lab.admin.without_observers().post(
        f"/api/v1/namespaces/{who.replace('/', '/serviceaccounts/')}/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
    )
    return str(answer.body["status"]["token"])


def own_kubeconfig(lab: Lab) -> Object:
    """Return the lab's kubeconfig."""
    found: Object = yaml.safe_load(Path(lab.kubeconfig).read_text())
    return found


def through_proxy(lab: Lab, call: Callable[[str], object]) -> None:
    """Call with the URL of labkit's proxy."""
    with lab.proxy() as proxy:
        call(proxy.url)


# -- the lab ----------------------------------------------------------------------------------------------------


def lab_asks(lab: Lab, who: str, path: str) -> None:
    """Request with ``lab.as_…().get``, or ``lab.exec``."""
    if who == AMBASSADOR:
        lab.exec("default/curl-custom-sa", f"curl -s localhost:8001{path}", container="ambassador")
        return
    if who == PROXY:
        with lab.proxy() as proxy:
            proxy.get(path)
        return
    if who == ADMIN:
        caller = lab.admin
    elif who == ANONYMOUS:
        caller = lab.as_anonymous()
    else:
        caller = lab.as_token(token(lab, who)) if who == BAD_TOKEN else lab.as_service_account(who)
    caller.get(path)


def lab_makes(lab: Lab, obj: Object) -> None:
    """Create with ``lab.apply``."""
    lab.apply([obj])


IN_AMBASSADOR = ("curl-custom-sa", "-c", "ambassador", "--", "curl", "-s")


# -- kubectl ----------------------------------------------------------------------------------------------------


def kubectl_asks(lab: Lab, who: str, path: str) -> None:
    """Request with ``kubectl get --raw``, or ``kubectl exec``."""
    raw = ("get", "--raw", path)
    if who == AMBASSADOR:
        shell(lab, "kubectl", "exec", *IN_AMBASSADOR, f"localhost:8001{path}")
    elif who == PROXY:
        through_proxy(
            lab,
            lambda url: shell(lab, "kubectl", "--kubeconfig=/dev/null", f"--server={url}", *raw),
        )
    elif who == ADMIN:
        shell(lab, "kubectl", *raw)
    else:
        place = (
            f"--server={lab.admin.server}",
            f"--certificate-authority={lab.admin.endpoint.ca_file}",
        )
        name = "--username=nobody" if who == ANONYMOUS else f"--token={token(lab, who)}"
        shell(lab, "kubectl", "--kubeconfig=/dev/null", *place, name, *raw)


def kubectl_makes(lab: Lab, obj: Object) -> None:
    """Create with ``kubectl apply``."""
    assert shell(lab, "kubectl", "apply", "-f", "-", text=json.dumps(obj)) == 0


# -- curl -------------------------------------------------------------------------------------------------------


def curl(lab: Lab, path: str, *options: str) -> int:
    """Call the server with curl."""
    trust = ("--cacert", str(lab.admin.endpoint.ca_file))
    return shell(lab, "curl", "-sf", *trust, *options, f"{lab.admin.server}{path}")


def own_certificate(lab: Lab) -> tuple[str, ...]:
    """Return curl's options for the administrator."""
    user = own_kubeconfig(lab)["users"][0]["user"]
    file = lab.home / "admin.pem"
    data = (user["client-certificate-data"], user["client-key-data"])
    file.touch(mode=0o600)
    file.write_bytes(b"\n".join(map(base64.b64decode, data)))
    return ("--cert", str(file))


def curl_asks(lab: Lab, who: str, path: str) -> None:
    """Request with ``curl --cacert``."""
    if who == PROXY:
        through_proxy(lab, lambda url: shell(lab, "curl", "-s", f"{url}{path}"))
    elif who == ADMIN:
        curl(lab, path, *own_certificate(lab))
    else:
        curl(
            lab,
            path,
            *(() if who == ANONYMOUS else ("-H", f"Authorization: Bearer {token(lab, who)}")),
        )


def curl_makes(lab: Lab, obj: Object) -> None:
    """Create with ``curl -X POST``, or PUT."""
    path = lab.resources.path(obj)
    data = (
        "-H",
        "Content-Type: application/json",
        "--data",
        json.dumps(obj),
        *own_certificate(lab),
    )
    made = curl(lab, path.rpartition("/")[0], "-X", "POST", *data) == 0
    assert made or curl(lab, path, "-X", "PUT", *data) == 0


# -- the official client ----------------------------------------------------------------------------------------


def python_asks(lab: Lab, who: str, path: str) -> None:
    """Request with the official client's ``call_api``."""
    if who == PROXY:
        through_proxy(lab, lambda url: urlopen(f"{url}{path}").close())
        return
    if who == ADMIN:
        api = config.new_client_from_config(str(lab.kubeconfig))
    else:
        configuration = official.Configuration(host=lab.admin.server)
        configuration.ssl_ca_cert = lab.admin.endpoint.ca_file
        if who != ANONYMOUS:
            configuration.api_key = {"authorization": f"Bearer {token(lab, who)}"}
        api = official.ApiClient(configuration)
    with api:
        try:
            api.call_api(*api.param_serialize("GET", path, auth_settings=["BearerToken"]))
        except official.ApiException as error:
            assert error.status in (401, 403, 404)  # noqa: PT017 - it may as well be answered


def python_makes(lab: Lab, obj: Object) -> None:
    """Create with the official dynamic client."""
    with config.new_client_from_config(str(lab.kubeconfig)) as api:
        kind = DynamicClient(api).resources.get(api_version=obj["apiVersion"], kind=obj["kind"])
        try:
            kind.create(body=obj, namespace=obj["metadata"].get("namespace"))
        except official.ApiException as error:
            assert error.status == 409  # noqa: PT017
            kind.patch(
                body=obj,
                name=obj["metadata"]["name"],
                namespace=obj["metadata"].get("namespace"),
                content_type="application/merge-patch+json",
            )


# -- labkit exec ------------------------------------------------------------------------------------------------


def pod_asks(lab: Lab, who: str, path: str) -> None:
    """Request with ``labkit exec``: curl in a pod, with the mounted CA."""
    if who == AMBASSADOR:
        shell(lab, sys.executable, "-m", "labkit", "exec", *IN_AMBASSADOR, f"localhost:8001{path}")
        return
    runner = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "runner", "namespace": "kube-public"},
        "spec": {
            "containers": [
                {"name": "main", "image": "curlimages/curl", "command": ["sleep", "9999999"]}
            ]
        },
    }
    lab.admin.without_observers().post("/api/v1/namespaces/kube-public/pods", runner)
    lab.wait("kube-public/runner")
    trust = "--cacert /var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
    bearer = "" if who == ANONYMOUS else f'-H "Authorization: Bearer {token(lab, who)}"'
    line = f"curl -s {trust} {bearer} https://kubernetes.default{path}"
    assert (
        shell(
            lab,
            sys.executable,
            "-m",
            "labkit",
            "exec",
            "kube-public/runner",
            "--",
            "sh",
            "-c",
            line,
        )
        == 0
    )


CLIENTS = {
    "lab": Client(lab_asks, lab_makes),
    "kubectl": Client(kubectl_asks, kubectl_makes, "kubectl"),
    "curl": Client(curl_asks, curl_makes, "curl"),
    "python": Client(python_asks, python_makes),
    "labkit exec": Client(pod_asks, None),
}


def missing(names: Sequence[str]) -> list[str]:
    """Return the required programs that this machine lacks."""
    return [
        CLIENTS[name].needs
        for name in names
        if CLIENTS[name].needs and not shutil.which(CLIENTS[name].needs)
    ]
