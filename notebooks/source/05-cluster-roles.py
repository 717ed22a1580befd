# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Cluster roles and cluster role bindings
#
# *Who may do what, everywhere.*
#
# **In this lab you will** write a role for things that live in no namespace, learn why a
# role binding to it does not help, and let one account see the pods of every namespace.
# Time: about 35 minutes.
#
# ![You are here: authorization, the fourth of six stations. Before it: you ask, TLS,
# authentication. After it: admission, and etcd, which stores the objects.](pictures/request-authorization.svg)

# %%
from labkit import Lab, check, expect_forbidden, hint, predict, recall, solution

lab = Lab()
lab.prepare("04-roles/W14-namespaces.yaml")
lab.prepare("04-roles/W14-pods-test.yaml")

# %% [markdown]
# Those two lines make the namespaces and pods of W14 where they are missing, and touch
# nothing that is there. We go on as the pod `kikai/test`, that is, as the `default` account
# of `kikai`.

# %%
me = lab.as_pod("kikai/test")

# %% [markdown]
# The panel rewinds the cluster to the beginning of a step, and shows what else it can do where you are.
#
# After a restart of the kernel: select the cell where you were, then *Run → Run All Above Selected Cell*.
# The cluster and your passes are still there.

# %% tags=["widget"]
from labkit.ui import Board, StartPanel

StartPanel()

# %% [markdown]
# ## Three questions first
#
# They are about parts 1 to 4. Write the letter that you choose between the quotes, and run the
# cell. Nothing is counted: a wrong one tells you what to think of.
#
# **5.1** You create a role, and the pod asks again at once. What has changed for it?
# * a: nothing
# * b: it may do what the role says
# * c: nothing, until the server is restarted

# %%
recall("5.1", "")

# %% [markdown]
# **5.2** An account lives in `darbo`, the binding that names it lies in `kikai`. Where does the right hold?
# * a: in `darbo`
# * b: in `kikai`
# * c: in both

# %%
recall("5.2", "")

# %% [markdown]
# **5.3** In W8 the pod was refused `/` and given `/api`. What decided that?
# * a: authentication
# * b: authorization
# * c: TLS

# %%
recall("5.3", "")

# %% [markdown]
# ## W20 · Write a cluster role
#
# A role lives in a namespace. Three things do not fit into that:
#
# 1. **Resources that live in no namespace:** nodes, the list of namespaces, *persistent volumes*.
# 2. **Non-resource URLs:** paths such as `/`, `/api` and `/version`, where no object lies.
# 3. **The same rules in a hundred namespaces:** nobody wants to write one role a hundred times.
#
# For all three there is the **cluster role**: rules without a namespace.

# %% [markdown]
# **Your turn:** create the cluster role `pv-reader`: `get` and `list` on `persistentvolumes`, which
# are in the core group. It looks like the role of W16, with another `kind` and no namespace.

# %%
### BEGIN SOLUTION
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: pv-reader}
rules:
- {apiGroups: [""], verbs: [get, list], resources: [persistentvolumes]}
""")
### END SOLUTION

# %%
check("W20")

# %% [markdown]
# <details>
# <summary>As a command, to compare</summary>
#
# > ```
# > kubectl create clusterrole pv-reader --verb=get,list --resource=persistentvolumes
# > ```
#
# </details>

# %% [markdown]
# And who opened `/api` for you in W8, and not `/`? A cluster role that every cluster has. Its rule
# names paths in the place of API groups and resources, and the verb is the HTTP method in small
# letters:

# %%
discovery = lab.admin.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/system:discovery")
discovery.body["rules"]

# %% [markdown]
# A cluster role binding gives it to the group `system:authenticated`, so to whoever has shown a
# valid credential. A stranger is not of that group: hence the 403 for `/api` in W2. `/` stands in no
# such rule: hence the 403 of W7 and W8. To grant `/`, one writes a cluster role with this rule
#
# ```
# - nonResourceURLs: ["/"]
#   verbs: ["get"]
# ```
#
# and binds it with a *cluster* role binding. Nothing less will do: a Role with such a rule is
# refused, and a role binding to it grants nothing, since a path lies in no namespace. A path may end in `*`:
# `/logs/*` is every path that begins with `/logs/`. (Do not grant it here. The checks of this part ask for less.)

# %% [markdown]
# ## W21 · Ask without a binding
#
# You have seen this moment before, in W16. **Predict:** the cluster role exists. May
# `kikai/test` list persistent volumes, `"allowed"` or `"forbidden"`?

# %%
# predict("W21", "…")
### BEGIN SOLUTION
predict("W21", "forbidden")
### END SOLUTION

# %% [markdown]
# **Your turn:** ask. `me` is the caller. Persistent volumes are in the core group, and in no
# namespace: what is their address?

# %%
### BEGIN SOLUTION
with expect_forbidden(verb="list"):
    answer = me.get("/api/v1/persistentvolumes")
answer
### END SOLUTION

# %%
check("W21")

# %% [markdown]
# The message ends differently from W15: *at the cluster scope*. There is no namespace in
# the path, so no namespace in the answer, and, as you will see, no role binding can help.

# %% [markdown]
# ## W22 · A RoleBinding to a cluster role
#
# A RoleBinding may refer to a ClusterRole. Then the cluster role becomes a shared role: it
# is written once, and each namespace that wants it binds it. Kubernetes brings some for
# this purpose. `view` reads most things of a namespace:

# %%
view = lab.admin.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/view")
sorted({name for rule in view.body["rules"] for name in rule["resources"]})[:12]

# %% [markdown]
# You will bind two cluster roles to `kikai`'s `default` account, each with a *RoleBinding* in
# `kikai`: `view`, and your `pv-reader`. **Predict** what the account may list then, each
# `"allowed"` or `"forbidden"`: `pods in kikai`, `pods in darbo`, and `persistent volumes`.

# %%
# predict("W22", {"pods in kikai": "…", "pods in darbo": "…", "persistent volumes": "…"})
### BEGIN SOLUTION
expected = {"pods in kikai": "allowed", "pods in darbo": "forbidden"}
predict("W22", expected | {"persistent volumes": "forbidden"})
### END SOLUTION

# %% [markdown]
# **Your turn:** create both: `view-test` for `view`, and `pv-test` for `pv-reader`. The frame is that
# of W17; only the role's kind is another.

# %%
### BEGIN SOLUTION
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: kikai, name: view-test}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, namespace: kikai, name: default}]
""")
### END SOLUTION

# %%
### BEGIN SOLUTION
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: kikai, name: pv-test}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: pv-reader}
subjects: [{kind: ServiceAccount, namespace: kikai, name: default}]
""")
### END SOLUTION

# %% [markdown]
# **Your turn:** ask for the three lists that you predicted.

# %%
### BEGIN SOLUTION
me.get("/api/v1/namespaces/kikai/pods")
### END SOLUTION

# %%
### BEGIN SOLUTION
with expect_forbidden(verb="list"):
    display(me.get("/api/v1/namespaces/darbo/pods"))
    display(me.get("/api/v1/persistentvolumes"))
### END SOLUTION

# %%
check("W22")

# %% [markdown]
# A RoleBinding grants in its own namespace and nowhere else, whatever it refers to. So
# `view` works in `kikai` alone: one shared role, bound where it is wanted. And
# `pv-reader` does not help at all: a persistent volume is in no namespace, and a binding
# that holds in `kikai` never meets it.
#
# There are two kinds of role and two kinds of binding. This is where each combination grants:
#
# ![A table. Role with a RoleBinding in kikai: grants in kikai, with a role of kikai. Role with a
# ClusterRoleBinding: does not exist, the server refuses it. ClusterRole with a RoleBinding in
# kikai: grants in kikai only, and on the object Namespace kikai itself; not in other namespaces, and on nothing
# else that lies in no namespace.
# ClusterRole with a ClusterRoleBinding: grants everywhere, in all namespaces, on nodes and volumes,
# and on paths such as /healthz.](pictures/where-it-grants.svg)
#
# A RoleBinding to `cluster-admin` gives everything in `kikai`, and nothing elsewhere.
# Wider and narrower bindings add up: a RoleBinding never takes away what a ClusterRoleBinding gives.
#
# There is one exception, the Namespace object itself. The server counts `/api/v1/namespaces/kikai` as lying
# in `kikai`. So whoever has `view` there may read this one object, and whoever has `cluster-admin` there may delete it.
# Neither may list namespaces.

# %%
me.get("/api/v1/namespaces/kikai")

# %% [markdown]
# You have tried the fields on the left. The next step is the one on the lower right. First take both
# bindings away, so that the next steps start clean:

# %%
bindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/kikai/rolebindings"
[lab.admin.delete(f"{bindings}/{name}").status for name in ("view-test", "pv-test")]

# %% [markdown]
# ## W23 · Bind it cluster-wide
#
# A **cluster role binding** has no namespace and holds everywhere. Its subject still has a namespace,
# where the account lives.
#
# **Your turn:** create the cluster role binding `pv-test`, which gives `pv-reader` to the account of
# `kikai/test`. The frame:
#
# ```
# apiVersion: rbac.authorization.k8s.io/v1
# kind: …
# metadata: {name: …}
# roleRef: {apiGroup: rbac.authorization.k8s.io, kind: …, name: …}
# subjects:
# - …
# ```

# %%
### BEGIN SOLUTION
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: pv-test}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: pv-reader}
subjects: [{kind: ServiceAccount, namespace: kikai, name: default}]
""")
### END SOLUTION

# %% [markdown]
# **Your turn:** ask again, as in W21.

# %%
### BEGIN SOLUTION
me.get("/api/v1/persistentvolumes")
### END SOLUTION

# %%
check("W23")

# %% [markdown]
# The list may be empty, and that is a yes: 200, and nothing there. Same account, same role;
# only the kind of binding has changed.
#
# <details>
# <summary>As a command, to compare</summary>
#
# > ```
# > kubectl create clusterrolebinding pv-test --clusterrole=pv-reader --serviceaccount=kikai:default
# > ```
#
# </details>

# %% [markdown]
# ## W24 · See every pod
#
# Last, an account that sees the pods of *every* namespace. We will bind `view` once more, this time by a
# ClusterRoleBinding: it reads most things that lie in namespaces, in all of them.
#
# **Predict** two answers, each `"allowed"` or `"forbidden"`. `pods before`: may the account list
# pods as it stands *now*, before anything is bound? `secrets after`: and *afterwards*, may it read
# Secrets as well?

# %%
# predict("W24", {"pods before": "…", "secrets after": "…"})
### BEGIN SOLUTION
predict("W24", {"pods before": "forbidden", "secrets after": "forbidden"})
### END SOLUTION

# %% [markdown]
# First, as it stands: pods in `kikai`, in `darbo`, and across all namespaces.

# %%
places = (
    "/api/v1/namespaces/kikai/pods",
    "/api/v1/namespaces/darbo/pods",
    "/api/v1/pods",
)
{place: me.get(place).status for place in places}

# %% [markdown]
# **Your turn:** create the binding. It is called `view-test`.

# %%
### BEGIN SOLUTION
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: view-test}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, namespace: kikai, name: default}]
""")
### END SOLUTION

# %% [markdown]
# **Your turn:** ask for the pods of all namespaces, in one request.

# %%
### BEGIN SOLUTION
me.get("/api/v1/pods")
### END SOLUTION

# %%
{place: me.get(place).status for place in places}

# %% [markdown]
# **Your turn:** and the Secrets of all namespaces?

# %%
### BEGIN SOLUTION
with expect_forbidden(verb="list"):
    answer = me.get("/api/v1/secrets")
answer
### END SOLUTION

# %%
check("W24")

# %% [markdown]
# <details>
# <summary>As a command, to compare</summary>
#
# > ```
# > kubectl create clusterrolebinding view-test --clusterrole=view --serviceaccount=kikai:default
# > ```
#
# </details>

# %% [markdown]
# From left to right: who, bound by what, to which role, with which rules. Pick a box to light
# up its paths; the marked one grants the request.

# %%
from labkit.ui import RBACGraph

RBACGraph(lab, who="kikai/default", request="list pods")

# %% [markdown]
# `view` leaves out Secrets on purpose. A Secret may hold a credential, and who reads that can act as its
# owner: reading it is more than looking. It leaves out roles and bindings as well. And it names nothing that
# lies in no namespace, except Namespaces: nodes, persistent volumes and definitions of new types stay closed,
# even when `view` is bound cluster-wide. It has grown by *aggregation*: every cluster role with a certain label
# adds its rules to it. So nobody edits `view` itself: a controller would write its rules anew. And a new type, a
# *custom resource*, is in none of `view`, `edit` and `admin`, until a cluster role with the label adds it.

# %%
rbac = "/apis/rbac.authorization.k8s.io/v1"
[me.get(path).status for path in ("/api/v1/namespaces", "/api/v1/nodes", f"{rbac}/roles")]

# %% [markdown]
# Namespaces: yes. Nodes: no. Roles: no.
#
# That is the end of the walkthrough: one service account, bound through a cluster role
# binding, sees the pods of every namespace.

# %% [markdown]
# ## Aside 8 · You cannot give what you do not have
#
#
# Somebody may create roles and bindings. Can they give themselves everything? The lab's file makes an account `writer`
# in a namespace of its own. It may create roles and role bindings there, and get and list services.
#
# **Predict** for `writer`, `"allowed"` or `"forbidden"`: may it create `a role with services` (get), `a role with Secrets`
# (get), and `a binding to view`?

# %% tags=["aside"]
# predict("A8", {"a role with services": "…", "a role with Secrets": "…", "a binding to view": "…"})
### BEGIN SOLUTION
guesses = {"a role with services": "allowed", "a role with Secrets": "forbidden"}
predict("A8", guesses | {"a binding to view": "forbidden"})
### END SOLUTION

# %% tags=["aside"]
lab.apply("05-cluster-roles/tryout/W24-aside-escalation.yaml")
writer = lab.as_service_account("aside-roles/writer")
here = "/apis/rbac.authorization.k8s.io/v1/namespaces/aside-roles"
rules = {
    name: [{"apiGroups": [""], "resources": [name], "verbs": ["get"]}]
    for name in ("services", "secrets")
}
roles = [{"metadata": {"name": name}, "rules": rules[name]} for name in rules]
[(answer.status, answer.message) for answer in (writer.post(f"{here}/roles", r) for r in roles)]

# %% tags=["aside"]
role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
writer.post(f"{here}/rolebindings", {"metadata": {"name": "v"}, "roleRef": role, "subjects": []})

# %% tags=["aside"]
check("A8")

# %% [markdown]
# That is the *escalation check*, the third place that says 403. You can put into a role, and bind, only what you have
# yourself, in the same place: in this namespace, or for a cluster role binding in the whole cluster. Two verbs lift it:
# `escalate` on `roles` or `clusterroles` (to write any rule), and `bind` on them (to bind that role). `cluster-admin`
# has both. For a RoleBinding `bind` is looked for in its own namespace, even if the role is a cluster role. With
# `resourceNames` it is for those roles only.
#
# The verb `impersonate` is a way round as well. On `users`, `groups` or `serviceaccounts` it lets somebody ask as these
# (`--as`); who adds a group (`--as-group`) needs the right for it as well. **now:** since 1.36 (beta) it can be given in a narrower form. Two verbs together allow only to list as one
# account: `impersonate:serviceaccount` on this account (`serviceaccounts` of the group `authentication.k8s.io`), and
# `impersonate-on:serviceaccount:list` on the resource.

# %% [markdown]
# ## Aside 9 · What gets round it
#
#
# In the same namespace, the account `reader` may read Secrets. `writer` may not; but it may create pods.
#
# **Predict** for `writer`, `"allowed"` or `"forbidden"`: `read a Secret`; `create a pod as reader` (with
# `serviceAccountName: reader`); `read a Secret as that pod`.

# %% tags=["aside"]
# predict("A9", {"read a Secret": "…", "create a pod as reader": "…", "read a Secret as that pod": "…"})
### BEGIN SOLUTION
guesses = {"read a Secret": "forbidden", "create a pod as reader": "allowed"}
predict("A9", guesses | {"read a Secret as that pod": "allowed"})
### END SOLUTION

# %% tags=["aside"]
space = "/api/v1/namespaces/aside-roles"
containers = [{"name": "main", "image": "ubuntu", "command": ["sleep", "9999999"]}]
pod = {"metadata": {"name": "tool"}, "spec": {"serviceAccountName": "reader", "containers": containers}}
refused, created = writer.get(f"{space}/secrets"), writer.post(f"{space}/pods", pod)
lab.wait("aside-roles/tool")
[refused.status, created.status, lab.as_pod("aside-roles/tool").get(f"{space}/secrets").status]

# %% tags=["aside"]
lab.admin.delete(space).status

# %% tags=["aside"]
check("A9")

# %% [markdown]
# No right is needed to run a pod as an account. So whoever may create pods in a namespace has every account in it, and
# every Secret and config map that a pod can mount there. The same goes for deployments, jobs, and all that creates pods.
#
# Other rights that are more than they seem:
#
# - **`create` on `pods/exec`** (with `get`): whoever gets into a pod can read its token.
# - **`create` on `serviceaccounts/token`**: whoever has it can make a token of the account.
# - **`get`, `list` or `watch` on `secrets`**: each of the three shows what they hold. There is no harmless `list`.
# - **`get` on `nodes/proxy`** is not read-only. It reaches the node's kubelet past the API server's audit log and
#   admission, and the kubelet can run commands in every pod of the node. A monitor does not need it:
#   `nodes/metrics`, `nodes/stats` and `nodes/log` are rights of their own. **now:** since 1.36 (by default since
#   1.33) so are `nodes/pods`, `nodes/healthz` and `nodes/configz`.
# - **`edit`** reads and writes Secrets and can create pods, so it has every account of the namespace; it may ask
#   for their tokens and impersonate them, too. It neither sees nor writes roles and bindings. **`admin`** writes
#   roles and bindings of the namespace as well, but not its quota and not the namespace itself.
#   **`cluster-admin`** is everything; by a RoleBinding, everything in one namespace.

# %% [markdown]
# ## How far you are
#
# All steps of the walkthrough. The board can check a step itself, and give the next hint.

# %% tags=["widget"]
Board(lab)

# %% [markdown]
# ## Explain it in your words
#
# **You want one account to read the config maps of three namespaces out of twenty. Which role,
# which bindings, how many of each, and why not one cluster role binding?** Write in the cell below,
# then compare.

# %% [markdown]
# *Double-click here, and write.*

# %% [markdown]
# <details>
# <summary>A model answer</summary>
#
# > One cluster role with the rule, since it is the same three times. Three role bindings, one in each
# > of the three namespaces, each with the account as its subject and the cluster role as its `roleRef`.
# > One cluster role binding would be less work, but it would hold in all twenty namespaces, and in
# > those that are made tomorrow.
#
# </details>

# %% [markdown]
# ## What you know now
#
# 1. Every request goes through one server, which asks first *who are you*, then *may you*.
# 2. A pod says who it is with a token that was made for it, and that dies with it.
# 3. A role says what, a binding says who, and the binding's place says where.
# 4. Rights only add up. What nobody granted is forbidden.
#
# **Read on:**
# <https://kubernetes.io/docs/reference/access-authn-authz/rbac/>,
# <https://kubernetes.io/docs/concepts/security/rbac-good-practices/>

# %% [markdown]
# ## Clean up (optional)
#
# This takes the walkthrough's objects away and brings the cluster back to its beginning.
# Your passes are kept. Leave it out if you want to go on playing. Remove the `#` to run it.

# %%
# lab.reset()

# %% [markdown]
# **Next:** [Test the policy](06-test-the-policy.ipynb). Or try it alone: exercises ask for the same with other names,
# check what the cluster does, and tell you your points; [the first](exercises/ex1-api-server.ipynb) is about the API
# server, in [the sixth](exercises/ex6-final.ipynb) you repair four pods. The words of this lab, in
# English and Korean, are in the [glossary](99-glossary.ipynb).
