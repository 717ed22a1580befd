"""Thirty solutions of task 4.1 as thirty people would write them, none from another's."""

from __future__ import annotations

from labkit.grading.tasks.seed import Seed, identity

SOLUTIONS = (
    """\
# first the role, then who gets it
!kubectl create role read-things --verb=get,list --resource=RES -n HALL
!kubectl create rolebinding read-things --role=read-things --serviceaccount=HALL:WHO -n HALL""",
    """\
ns, sa = "HALL", "WHO"
lab.kubectl(f"-n {ns} create role viewer --resource RES --verb get --verb list")
lab.kubectl(f"-n {ns} create rolebinding viewer-{sa} --serviceaccount {ns}:{sa} --role viewer")""",
    """\
manifest = '''
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: my-role
  namespace: HALL
rules:
- apiGroups: [""]
  resources: ["RES"]
  verbs: ["get", "list"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: my-binding
  namespace: HALL
subjects:
- kind: ServiceAccount
  name: WHO
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: my-role
'''
lab.apply(manifest)""",
    """\
def grant(space, account, verbs, resources):
    group = "rbac.authorization.k8s.io"
    rule = dict(verbs=list(verbs), resources=list(resources), apiGroups=[""])
    lab.apply(dict(apiVersion=group + "/v1", kind="Role", metadata=dict(namespace=space, name="r"), rules=[rule]))
    lab.apply(
        dict(
            kind="RoleBinding",
            apiVersion=group + "/v1",
            metadata=dict(name="b", namespace=space),
            subjects=[dict(kind="ServiceAccount", namespace=space, name=account)],
            roleRef=dict(name="r", kind="Role", apiGroup=group),
        )
    )

grant("HALL", "WHO", ("get", "list"), ("RES",))""",
    """\
from kubernetes import client, config
config.load_kube_config(lab.kubeconfig)
rbac = client.RbacAuthorizationV1Api()
rbac.create_namespaced_role("HALL", client.V1Role(
    metadata=client.V1ObjectMeta(name="lesen"),
    rules=[client.V1PolicyRule(api_groups=[""], resources=["RES"], verbs=["get", "list"])]))
rbac.create_namespaced_role_binding("HALL", client.V1RoleBinding(
    metadata=client.V1ObjectMeta(name="lesen"),
    role_ref=client.V1RoleRef(api_group="rbac.authorization.k8s.io", kind="Role", name="lesen"),
    subjects=[client.RbacV1Subject(kind="ServiceAccount", name="WHO", namespace="HALL")]))""",
    """\
%%bash
cat > role.yaml <<EOF
kind: Role
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: only-read, namespace: HALL}
rules:
  - {verbs: [list, get], apiGroups: [''], resources: [RES]}
EOF
kubectl apply -f role.yaml
kubectl -n HALL create rolebinding only-read --role only-read --serviceaccount HALL:WHO""",
    """\
import json
base = "/apis/rbac.authorization.k8s.io/v1/namespaces/HALL"
answer = lab.admin.post(base + "/roles", {"metadata": {"name": "a"}, "rules": [
    {"apiGroups": [""], "resources": ["RES"], "verbs": ["get", "list"]}]})
print(answer.status)
answer = lab.admin.post(base + "/rolebindings", {"metadata": {"name": "a"},
    "roleRef": {"kind": "Role", "name": "a", "apiGroup": "rbac.authorization.k8s.io"},
    "subjects": [{"kind": "ServiceAccount", "name": "WHO", "namespace": "HALL"}]})
print(answer.status)""",
    """\
for verb in ("get", "list"):
    name = "may-" + verb
    !kubectl -n HALL create role {name} --verb={verb} --resource=RES
    !kubectl -n HALL create rolebinding {name} --role={name} --serviceaccount=HALL:WHO""",
    """\
import yaml
role = yaml.safe_load(\"\"\"
kind: Role
metadata: {name: x}
rules: [{resources: [RES], verbs: [get, list], apiGroups: [""]}]
\"\"\")
bind = yaml.safe_load(\"\"\"
kind: RoleBinding
metadata: {name: x}
roleRef: {kind: Role, name: x, apiGroup: rbac.authorization.k8s.io}
subjects: [{kind: ServiceAccount, name: WHO, namespace: HALL}]
\"\"\")
for thing in role, bind:
    thing["apiVersion"] = "rbac.authorization.k8s.io/v1"
    thing["metadata"]["namespace"] = "HALL"
    lab.apply(thing)""",
    """\
!kubectl create clusterrole look --verb=get,list --resource=RES
!kubectl create rolebinding look -n HALL --clusterrole=look --serviceaccount=HALL:WHO
# a cluster role that is bound in one namespace gives only what is there""",
    """\
space = "HALL"
who = "WHO"
role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"}
role["metadata"] = {"namespace": space, "name": "hall-reader"}
role["rules"] = [{"apiGroups": [""], "resources": ["RES"], "verbs": ["get", "list"]}]
lab.apply(role)
binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding"}
binding["metadata"] = {"namespace": space, "name": "hall-reader"}
binding["roleRef"] = {"kind": "Role", "name": role["metadata"]["name"], "apiGroup": "rbac.authorization.k8s.io"}
binding["subjects"] = [{"namespace": space, "kind": "ServiceAccount", "name": who}]
lab.apply(binding)""",
    """\
import subprocess
def k(*words):
    done = subprocess.run(["kubectl", "--namespace", "HALL", *words], capture_output=True, text=True)
    print(done.stdout or done.stderr)
k("create", "role", "lector", "--verb", "list,get", "--resource", "RES")
k("create", "rolebinding", "lector", "--role", "lector", "--serviceaccount", "HALL:WHO")
k("auth", "can-i", "list", "RES", "--as", "system:serviceaccount:HALL:WHO")""",
    """\
t = lab.admin.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/view").json()
t = {"kind": "Role", "apiVersion": t["apiVersion"], "metadata": {"name": "part", "namespace": "HALL"},
     "rules": [{**r, "resources": ["RES"], "verbs": ["get", "list"]}
               for r in t["rules"] if "RES" in r["resources"]][:1]}
lab.apply(t)
!kubectl create rolebinding -n HALL part --role part --serviceaccount HALL:WHO""",
    """\
!kubectl auth can-i get RES -n HALL --as=system:serviceaccount:HALL:WHO
!kubectl create role -n HALL get-and-list --resource=RES --verb=list --verb=get
!kubectl create rolebinding -n HALL let-them --serviceaccount=HALL:WHO --role=get-and-list
!kubectl auth can-i get RES -n HALL --as=system:serviceaccount:HALL:WHO
!kubectl auth can-i delete RES -n HALL --as=system:serviceaccount:HALL:WHO""",
    """\
from textwrap import dedent
def doc(kind, rest):
    head = f"apiVersion: rbac.authorization.k8s.io/v1\\nkind: {kind}\\nmetadata:\\n"
    head += "  namespace: HALL\\n  name: beispiel\\n"
    return head + dedent(rest)
lab.apply(doc("Role", '''
rules:
  - verbs: [get, list]
    resources: [RES]
    apiGroups: ['']
'''))
lab.apply(doc("RoleBinding", '''
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: beispiel}
subjects:
  - kind: User
    apiGroup: rbac.authorization.k8s.io
    name: system:serviceaccount:HALL:WHO
'''))""",
    """\
items = [
    ("roles", {"rules": [{"apiGroups": [""], "verbs": "get list".split(), "resources": ["RES"]}]}),
    ("rolebindings", {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "p"},
        "subjects": [{"kind": "ServiceAccount", "name": "WHO", "namespace": "HALL"}]}),
]
for plural, body in items:
    print(lab.admin.post(f"/apis/rbac.authorization.k8s.io/v1/namespaces/HALL/{plural}",
                         {"metadata": {"name": "p"}, **body}).status)""",
    """\
!kubectl create role r1 --verb=get --resource=RES --namespace=HALL -o yaml --dry-run=client > r.yaml
!sed -i 's/- get/- get\\n  - list/' r.yaml
!kubectl apply -f r.yaml
!kubectl create rolebinding r1 --role=r1 --serviceaccount=HALL:WHO --namespace=HALL""",
    """\
class Rbac:
    API = "rbac.authorization.k8s.io"

    def __init__(self, ns):
        self.ns = ns

    def make(self, kind, name, **spec):
        meta = {"name": name, "namespace": self.ns}
        lab.apply({"kind": kind, "apiVersion": f"{self.API}/v1", "metadata": meta, **spec})

    def allow(self, sa, what, *verbs):
        self.make("Role", f"{sa}-{what}", rules=[{"verbs": verbs, "resources": [what], "apiGroups": [""]}])
        who = {"kind": "ServiceAccount", "namespace": self.ns, "name": sa}
        self.make("RoleBinding", f"{sa}-{what}", subjects=[who],
                  roleRef={"apiGroup": self.API, "kind": "Role", "name": f"{sa}-{what}"})

Rbac("HALL").allow("WHO", "RES", "get", "list")""",
    """\
%env NS=HALL
!kubectl -n $NS create role leser --verb=list,get --resource=RES
!kubectl -n $NS create rolebinding leser --role=leser --serviceaccount=$NS:WHO
!kubectl -n $NS get role,rolebinding""",
    """\
import requests
s = requests.Session()
s.headers["Authorization"] = "Bearer " + lab.admin_token()
s.verify = str(lab.ca)
u = lab.url + "/apis/rbac.authorization.k8s.io/v1/namespaces/HALL/"
r = s.post(u + "roles", json={"metadata": {"name": "q"}, "rules": [
    dict(apiGroups=[""], resources=["RES"], verbs=["get", "list"])]})
assert r.ok, r.text
r = s.post(u + "rolebindings", json={"metadata": {"name": "q"},
    "subjects": [dict(kind="ServiceAccount", name="WHO", namespace="HALL")],
    "roleRef": dict(apiGroup="rbac.authorization.k8s.io", kind="Role", name="q")})
assert r.ok, r.text""",
    """\
group = ["system:serviceaccounts:HALL"]
me = "system:serviceaccount:HALL:WHO"
print(lab.kubectl("create role access -n HALL --verb get,list --resource RES"))
print(lab.kubectl(f"create rolebinding access -n HALL --role access --user {me}"))
print(lab.kubectl(f"auth can-i --list -n HALL --as {me}"))""",
    """\
lab.apply('''{"apiVersion": "v1", "kind": "List", "items": [
 {"kind": "Role", "apiVersion": "rbac.authorization.k8s.io/v1",
  "rules": [{"resources": ["RES"], "apiGroups": [""], "verbs": ["list", "get"]}],
  "metadata": {"namespace": "HALL", "name": "json-role"}},
 {"kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1",
  "subjects": [{"name": "WHO", "kind": "ServiceAccount", "namespace": "HALL"}],
  "metadata": {"namespace": "HALL", "name": "json-role-binding"},
  "roleRef": {"name": "json-role", "kind": "Role", "apiGroup": "rbac.authorization.k8s.io"}}]}''')""",
    """\
rule = lambda *v: {"apiGroups": [""], "resources": ["RES"], "verbs": [*v]}
meta = lambda n: {"name": n, "namespace": "HALL"}
v1 = "rbac.authorization.k8s.io/v1"
lab.apply({"apiVersion": v1, "kind": "Role", "metadata": meta("watchman"), "rules": [rule("get"), rule("list")]})
lab.apply({"apiVersion": v1, "kind": "RoleBinding", "metadata": meta("watchman"),
           "roleRef": {"apiGroup": v1[:-3], "kind": "Role", "name": "watchman"},
           "subjects": [{"kind": "ServiceAccount", **meta("WHO")}]})""",
    """\
!kubectl create role dummy -n HALL --verb=get --resource=RES
!kubectl patch role dummy -n HALL --type=json -p '[{"op": "add", "path": "/rules/0/verbs/-", "value": "list"}]'
!kubectl create rolebinding dummy -n HALL --role=dummy --user=nobody
!kubectl set subject rolebinding dummy -n HALL --serviceaccount=HALL:WHO
!kubectl get rolebinding dummy -n HALL -o yaml""",
    """\
with open("4-1.yml", "w") as f:
    f.write('''\
# Task 4.1
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
    namespace: HALL
    name: task41
rules:
    -   apiGroups:
            - ""
        resources:
            - RES
        verbs:
            - get
            - list
''')
!kubectl apply -f 4-1.yml
!kubectl create rolebinding task41 --namespace HALL --role task41 --serviceaccount HALL:WHO""",
    """\
역할 = {
    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
    "metadata": {"name": "ilgi", "namespace": "HALL"},
    "rules": [{"verbs": ["list"], "resources": ["RES"], "apiGroups": [""]},
              {"verbs": ["get"], "resources": ["RES"], "apiGroups": [""]}],
}
lab.apply(역할)
lab.kubectl("create rolebinding ilgi --role=ilgi --serviceaccount=HALL:WHO -n HALL")""",
    """\
from string import Template
T = Template('''apiVersion: $g/v1
kind: $k
metadata: {namespace: $n, name: tpl}
$rest''')
fill = dict(g="rbac.authorization.k8s.io", n="HALL")
lab.apply(T.substitute(fill, k="Role", rest='rules: [{apiGroups: [""], resources: [RES], verbs: [get, list]}]'))
lab.apply(T.substitute(fill, k="RoleBinding", rest='''
subjects: [{kind: ServiceAccount, name: WHO, namespace: HALL}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: tpl}'''))""",
    """\
# What may the account do before?
before = lab.kubectl("auth can-i --list --as=system:serviceaccount:HALL:WHO -n HALL")
lab.kubectl("create clusterrole res-reader --verb=get,list --resource=RES")
lab.kubectl("create rolebinding res-reader-in-hall --clusterrole=res-reader --serviceaccount=HALL:WHO -n HALL")
after = lab.kubectl("auth can-i --list --as=system:serviceaccount:HALL:WHO -n HALL")
print(set(str(after).splitlines()) - set(str(before).splitlines()))""",
    """\
roles = {"WHO": {"RES": {"get", "list"}}}
for account, wants in roles.items():
    for resource, verbs in wants.items():
        spec = f"{account}-{resource}"
        lab.kubectl(f"create role {spec} -n HALL --resource={resource} --verb={','.join(sorted(verbs))}")
        lab.kubectl(f"create rolebinding {spec} -n HALL --role={spec} --serviceaccount=HALL:{account}")""",
    """\
import asyncio, tempfile, pathlib
async def apply(text):
    path = pathlib.Path(tempfile.mkdtemp()) / "o.yaml"
    path.write_text(text)
    process = await asyncio.create_subprocess_exec("kubectl", "apply", "-f", str(path))
    return await process.wait()
await apply("{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: z, namespace: HALL}, "
            "rules: [{verbs: [get, list], apiGroups: [''], resources: [RES]}]}")
await apply("{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: z, namespace: HALL}, "
            "roleRef: {kind: Role, apiGroup: rbac.authorization.k8s.io, name: z}, "
            "subjects: [{kind: ServiceAccount, namespace: HALL, name: WHO}]}")""",
)


def independent(number: int, learner: str) -> str:
    """One of the solutions, with a learner's names."""
    seed = Seed(learner if ":" in learner else identity(learner))
    resource = seed.one(
        "resource", ("services", "configmaps", "replicationcontrollers", "persistentvolumeclaims")
    )
    text = SOLUTIONS[number].replace("HALL", seed.name("hall"))
    return text.replace("WHO", seed.name("reader")).replace("RES", resource)
