"""Answers that need a notebook: calls from pods, tokens, kubectl and the Python client."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from kube_embedded.tests.support.slow import slow_but
from kube_embedded.tests.support.some import some
from labkit.grading.graders.grader import Grader
from labkit.grading.tasks.seed import Seed
from tests.grading.solutions import RBAC, asked, in_yaml, kubectl
from tests.grading.support import SETUP, grade, submit

INSIDE, FINAL, ROLES = "ex2-inside-a-pod", "ex6-final", "ex4-roles"
MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def answers(learner: str) -> Mapping[str, tuple[str, str, str]]:
    """By name: the exercise, the task, and the cell."""
    seed = Seed(learner)
    space, pod = seed.name("inner"), seed.name("caller")
    resource = seed.one("resource", ("services", "pods", "configmaps", "secrets"))
    path = f"/api/v1/namespaces/{space}/{resource}"
    bound = (
        f'{{"spec": {{"boundObjectRef": {{"kind": "Pod", "apiVersion": "v1", "name": "{pod}"}}}}}}'
    )
    minted = f'made = lab.admin.post("/api/v1/namespaces/{space}/serviceaccounts/default/token", {bound})\n'
    minted += 'raw = made.body["status"]["token"]\n'
    read = f'raw = lab.read_pod_token("{space}/{pod}")\n'
    use = f'print(lab.as_token(raw).get("{path}"))'
    address = (
        f'ip = lab.admin.get("/api/v1/namespaces/{space}/pods/{pod}").body["status"]["podIP"]\n'
    )
    forged = f'print(lab.as_token(raw).request("GET", "{path}", headers={{"X-Forwarded-For": ip, "X-Real-Ip": ip}}))'
    status = {"status": {"podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]}}
    told = f'lab.admin.patch("/api/v1/namespaces/{space}/pods/{pod}/status", {status})\n'
    curl = (
        f"curl -s --cacert {MOUNT}/ca.crt -H 'Authorization: Bearer '$(cat {MOUNT}/token) "
        f"https://kubernetes.default.svc{path}"
    )
    other = (
        f'lab.kubectl("run other -n {space} --image=curlimages/curl --command -- sleep 9999999")\n'
    )
    other += f'lab.wait("{space}/other")\nprint(lab.exec("{space}/other", {curl!r}))'
    alibi, suspect, kept = seed.name("alibi"), seed.name("suspect"), seed.name("verdict")
    guilty = seed.one("guilty", [seed.name(label) for label in ("butler", "cook", "gardener")])
    uid = f'uid = lab.admin.get("/api/v1/namespaces/{alibi}/serviceaccounts/{guilty}").body["metadata"]["uid"]\n'
    note = f'metadata, data = {{"name": "{kept}"}}, {{"account": "{guilty}", "uid": uid}}\n'
    note += f'lab.admin.post("/api/v1/namespaces/{alibi}/configmaps", {{"metadata": metadata, "data": data}})'
    want = asked("4.1", learner)
    alice = "create clusterrolebinding more --clusterrole=cluster-admin --user=alice"
    default = f"create rolebinding more -n {want.account[0]} --clusterrole=edit --serviceaccount={want.account[0]}:default"
    shell = f'import subprocess\nsubprocess.run(["kubectl", "exec", "-n", "{alibi}", "{suspect}", "--", "cat", '
    client = "from kubernetes import client, config\nconfig.load_kube_config()\n"
    client += "rbac = client.RbacAuthorizationV1Api()\n"
    everyone = f"""rbac.create_namespaced_role_binding("{want.account[0]}", {{
        "metadata": {{"name": "more"}},
        "roleRef": {{"apiGroup": "{RBAC}", "kind": "ClusterRole", "name": "edit"}},
        "subjects": [{{"apiGroup": "{RBAC}", "kind": "Group", "name": "system:unauthenticated"}}]}})"""
    return {
        "wrong: a token made outside the pod": (INSIDE, "2.2", minted + use),
        "wrong: the pod's token used outside": (INSIDE, "2.2", read + use),
        "wrong: the pod's address in a header": (INSIDE, "2.2", read + address + forged),
        "wrong: the pod's status names the learner's address": (INSIDE, "2.2", told + read + use),
        "wrong: from another pod": (INSIDE, "2.2", other),
        "wrong: as the account without a token": (
            INSIDE,
            "2.2",
            kubectl(f"get {resource} -n {space} --as=system:serviceaccount:{space}:default"),
        ),
        "right: curl in the pod": (INSIDE, "2.2", f'print(lab.exec("{space}/{pod}", {curl!r}))'),
        "right: after a token that was refused": (
            INSIDE,
            "2.2",
            f'lab.as_token("x").get("/api")\nprint(lab.exec("{space}/{pod}", {curl!r}))\nlab.as_token("x").get("/api")',
        ),
        "right: kubectl exec": (INSIDE, "2.2", kubectl(f'exec -n {space} {pod} -- sh -c "{curl}"')),
        "wrong: the account read from the pod's spec": (FINAL, "6.7", uid + note),
        "wrong: a command in the pod that reads nothing": (
            FINAL,
            "6.7",
            f'lab.exec("{alibi}/{suspect}", "hostname")\n{uid}{note}',
        ),
        "wrong: a command in the pod that only says token": (
            FINAL,
            "6.7",
            f'lab.exec("{alibi}/{suspect}", "echo token")\n{uid}{note}',
        ),
        "right: the token by kubectl exec": (
            FINAL,
            "6.7",
            f'{shell}"{MOUNT}/token"])\n{uid}{note}',
        ),
        "right: the token by lab.exec": (
            FINAL,
            "6.7",
            f'lab.exec("{alibi}/{suspect}", "cat {MOUNT}/token")\n{uid}{note}',
        ),
        "right: the token by lab.read_pod_token": (
            FINAL,
            "6.7",
            f'lab.read_pod_token("{alibi}/{suspect}")\n{uid}{note}',
        ),
        "wrong: kubectl gives a stranger everything": (
            ROLES,
            "4.1",
            f"{in_yaml(want)}\n{kubectl(alice)}",
        ),
        "wrong: kubectl lets the default account edit": (
            ROLES,
            "4.1",
            f"{in_yaml(want)}\n{kubectl(default)}",
        ),
        "wrong: the Python client lets anybody edit": (
            ROLES,
            "4.1",
            f"{in_yaml(want)}\n{client}{everyone}",
        ),
        "wrong: the account deleted afterwards": (
            ROLES,
            "4.1",
            f"{in_yaml(want)}\n{kubectl('delete serviceaccount {1} -n {0}'.format(*want.account))}",
        ),
    }


@pytest.mark.skipif(
    not shutil.which("kubectl"), reason="needs kubectl; test_too_much.py has the same without it"
)
@pytest.mark.parametrize("exercise", slow_but([INSIDE, FINAL, ROLES], INSIDE, ROLES))
def test_what_a_client_did_counts_as_what_it_was(
    exercise: str, grader: Grader, tmp_path: Path
) -> None:
    learners = {f"l{number}": name for number, name in enumerate(answers(""))}
    for learner, name in learners.items():
        of, _task, cell = answers(learner)[name]
        if of == exercise:
            submit(tmp_path, learner, exercise, [SETUP.replace(ROLES, exercise), cell])
    wrong = []
    for learner, result in some(grade(grader, tmp_path).items()):
        name = learners[learner]
        task = answers(learner)[name][1]
        found = next(entry for entry in result.score.tasks if entry.id == task)
        assert result.complete, f"{name}: {result.outcome}\n{result.output}"
        assert "Traceback" not in result.output, f"{name}: {result.output}"
        if found.full != name.startswith("right"):
            wrong.append(
                f"{name}: {[item for item in found.items if not item.ok]}\n{result.output}"
            )
    assert not wrong, "\n".join(wrong)
