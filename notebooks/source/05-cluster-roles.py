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
# **In this lab you will** write a role for things that live in no namespace, bind it in two ways, and let one account
# see the pods of every namespace. Time: about 33 minutes.
#
# ![You are here: authorization, the fourth of six stations. Before it: you ask, TLS,
# authentication. After it: admission, and etcd, which stores the objects.](pictures/request-authorization.svg)

# %%
from labkit import Lab, answers, check, drill, expect_forbidden, hint, predict, solution

lab = Lab()
lab.prepare("04-roles/W14-namespaces.yaml")
lab.prepare("04-roles/W14-pods-test.yaml")

# %% [markdown]
# Those lines make the namespaces and pods of W14 where they are missing. We go on as the pod `kikai/test`, that is, as
# the `default` account of `kikai`.

# %%
me = lab.as_pod("kikai/test")

# %% [markdown]
# The panel rewinds the cluster to the beginning of a step.
#
# After a restart of the kernel: select the cell where you were, then *Run → Run All Above Selected Cell*.
# The cluster and your passes are still there.

# %% tags=["widget"]
from labkit.ui import Board, StartPanel

StartPanel()

# %% [markdown]
# ## Three questions first
#
# They are about the parts before: first those that are due. A wrong answer costs nothing. It comes back tomorrow.

# %%
drill(before=5)

# %% [markdown]
# ## W20 · Write a cluster role
#
# A role lives in a namespace. Three things do not fit into that:
#
# 1. **Resources that live in no namespace:** nodes, the list of namespaces, *persistent volumes*.
# 2. **Non-resource URLs:** paths such as `/`, `/api` and `/version`, where no object lies.
# 3. **The same rules in a hundred namespaces.** Nobody wants to write one role a hundred times.
#
# For all three there is the **cluster role**: rules without a namespace.

# %% [markdown]
# **Your turn:** create the cluster role `pv-reader`: `get` and `list` on `persistentvolumes`, of the core group. It looks
# like the role of W16, with another `kind` and no namespace.

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
# ## W21 · Ask without a binding
#
# **Predict:** the cluster role exists. May `kikai/test` list persistent volumes, `"allowed"` or `"forbidden"`?

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
# The message ends differently from W15: *at the cluster scope*. There is no namespace in the path, so none in the answer.
# And as in W16, a role that is bound to nobody grants nothing.

# %% [markdown]
# ## W22 · A RoleBinding to a cluster role
#
# A RoleBinding may refer to a ClusterRole. Then the cluster role becomes a shared role: it is written once, and each
# namespace that wants it binds it. Kubernetes brings some for this purpose. `view` reads pods, services, config maps and
# most other things of a namespace.
#
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
binding = """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: kikai, name: view-test}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, namespace: kikai, name: default}]
"""
lab.apply(binding)
lab.apply(binding.replace("name: view-test", "name: pv-test").replace("view}", "pv-reader}"))
### END SOLUTION

# %% [markdown]
# **Your turn:** ask for the three lists that you predicted.

# %%
### BEGIN SOLUTION
display(me.get("/api/v1/namespaces/kikai/pods"))
with expect_forbidden(verb="list"):
    display(me.get("/api/v1/namespaces/darbo/pods"))
    display(me.get("/api/v1/persistentvolumes"))
### END SOLUTION

# %%
check("W22")

# %% [markdown]
# A RoleBinding grants in its own namespace, whatever it refers to. So `view` works in `kikai` alone. And `pv-reader` does
# not help at all: a persistent volume is in no namespace, and a binding that holds in `kikai` never meets it.
#
# There are two kinds of role and two kinds of binding. This is where each combination grants:
#
# ![A table. Role with a RoleBinding in kikai: grants in kikai only, and on the Namespace kikai itself, with a role of
# kikai. Role with a
# ClusterRoleBinding: does not exist, the server refuses it. ClusterRole with a RoleBinding in
# kikai: grants in kikai only, and on the object Namespace kikai itself; not in other namespaces, and on nothing
# else that lies in no namespace.
# ClusterRole with a ClusterRoleBinding: grants everywhere, in all namespaces, on nodes and volumes,
# and on paths such as /healthz.](pictures/where-it-grants.svg)
#
# A RoleBinding to `cluster-admin` gives everything in `kikai`, and nothing elsewhere. There is one exception:

# %%
answers(me.get("/api/v1/namespaces/kikai"), me.get("/api/v1/namespaces"))

# %% [markdown]
# The server counts the Namespace object as lying in itself. Whoever has `view` in `kikai` may read this one object, and
# whoever has `cluster-admin` there may delete it. Neither may list namespaces.
#
# And paths? The lab's file makes a cluster role for `/`, and a RoleBinding in `kikai` that gives it to this account. Its
# rule names a path in the place of groups and resources, and its verb is the HTTP method in small letters:
#
# ```
# - {nonResourceURLs: ["/"], verbs: ["get"]}
# ```
#
# Think: what does it open?

# %%
lab.apply("05-cluster-roles/tryout/W22-rolebinding-path.yaml")
stranger = lab.as_anonymous()
answers(me.get("/"), me.get("/api"), stranger.get("/api"), stranger.get("/version"))

# %% [markdown]
# Nothing. A path lies in no namespace, so it takes a ClusterRoleBinding. (A Role with such a rule is refused: 422.)
# Every cluster has two of these. One gives `system:discovery`, with `/api`, to the group `system:authenticated`. The other gives
# `system:public-info-viewer`, with `/version` and `/healthz`, to strangers as well.
#
# You have tried the fields on the left. The next step is the one on the lower right. First take these bindings away:

# %%
rbac = "/apis/rbac.authorization.k8s.io/v1"
for name in ("view-test", "pv-test", "path-test"):
    lab.admin.delete(f"{rbac}/namespaces/kikai/rolebindings/{name}")
lab.admin.delete(f"{rbac}/clusterroles/path-reader")

# %% [markdown]
# ## W23 · Bind it cluster-wide
#
# A **cluster role binding** has no namespace. Its subject still has one, where the account lives.
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
# Same account, same role: only the kind of binding has changed.
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
# ClusterRoleBinding.
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
# First, as it stands:

# %%
places = (
    "/api/v1/namespaces/kikai/pods",
    "/api/v1/namespaces/darbo/pods",
    "/api/v1/pods",
    "/api/v1/persistentvolumes",
)
answers(*map(me.get, places))

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
# **Your turn:** ask for the pods of all namespaces, in one request. And for the Secrets of all namespaces?

# %%
### BEGIN SOLUTION
display(me.get("/api/v1/pods"))
with expect_forbidden(verb="list"):
    answer = me.get("/api/v1/secrets")
answer
### END SOLUTION

# %%
answers(*map(me.get, places))

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
# Persistent volumes stay allowed. Rights add up: no role and no binding takes anything away.
#
# From left to right: who, bound by what, to which role, with which rules. Pick a box to light
# up its paths; the marked one grants the request.

# %%
from labkit.ui import RBACGraph

RBACGraph(lab, who="kikai/default", request="list pods")

# %% [markdown]
# `view` leaves out Secrets on purpose. A Secret may hold a credential, and who reads that can act as its owner. What else
# does it leave out?

# %%
rbac = "/apis/rbac.authorization.k8s.io/v1"
answers(me.get("/api/v1/namespaces"), me.get("/api/v1/nodes"), me.get(f"{rbac}/roles"))

# %% [markdown]
# It leaves out Roles and RoleBindings, and all that lies in no namespace, except Namespaces. Where does it get its rules
# from?

# %%
label = "rbac.authorization.k8s.io/aggregate-to-view=true"
lab.admin.get(f"{rbac}/clusterroles?labelSelector={label}")

# %% [markdown]
# From every cluster role that has this label: that is *aggregation*. So nobody edits `view` itself: a controller would
# write its rules anew. And a new type, a *custom resource*, is in none of `view`, `edit` and `admin`, until a cluster role
# with such a label adds it.
#
# That is the end of the walkthrough: one service account, bound through a cluster role
# binding, sees the pods of every namespace.

# %% [markdown]
# ## Aside 8 · You cannot give what you do not have
#
# Somebody may create roles and bindings. Can they give themselves everything? The lab's file makes an account `writer`
# in a namespace of its own. It may create roles and role bindings there, and get and list services.
#
# **Predict** for `writer`, `"allowed"` or `"forbidden"`: may it create `a role with services` (get), `a role with Secrets`
# (get), `a binding to view`, and `a binding to its role` with services?

# %% tags=["aside"]
# predict("A8", {"a role with services": "…", "a role with Secrets": "…", "a binding to view": "…", "a binding to its role": "…"})
### BEGIN SOLUTION
guesses = {"a role with services": "allowed", "a role with Secrets": "forbidden"}
guesses |= {"a binding to view": "forbidden", "a binding to its role": "allowed"}
predict("A8", guesses)
### END SOLUTION

# %% tags=["aside"]
lab.apply("05-cluster-roles/tryout/W24-aside-escalation.yaml")
writer = lab.as_service_account("aside-roles/writer")
rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/aside-roles"


def write_role(name):
    rule = {"apiGroups": [""], "resources": [name], "verbs": ["get"]}
    return writer.post(f"{rbac}/roles", {"metadata": {"name": name}, "rules": [rule]})

# %% tags=["aside"]
def bind(kind, name):
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
    return writer.post(f"{rbac}/rolebindings", {"metadata": {"name": name}, "roleRef": role})

# %% tags=["aside"]
answers(
    ("writer", "a role with services", write_role("services")),
    ("writer", "a role with Secrets", write_role("secrets")),
    ("writer", "a binding to view", bind("ClusterRole", "view")),
    ("writer", "a binding to its role", bind("Role", "services")),
)

# %% tags=["aside"]
check("A8")

# %% [markdown]
# That is the *escalation check*, the third place that says 403. You can put into a role, and bind, only what you have
# yourself, in the same place. Two verbs lift it: `escalate` on roles (to write any rule), and `bind` on roles (to bind
# that one). `cluster-admin` has both.

# %% [markdown]
# ## Aside 9 · What gets round it
#
# In the same namespace, the account `reader` may list Secrets. `writer` may not; but it may create pods.
#
# **Predict** for `writer`, `"allowed"` or `"forbidden"`: `read Secrets`; `ask --as reader` for them; `create a pod as reader`
# (with `serviceAccountName: reader`); `read Secrets as that pod`.

# %% tags=["aside"]
# predict("A9", {"read Secrets": "…", "ask --as reader": "…", "create a pod as reader": "…", "read Secrets as that pod": "…"})
### BEGIN SOLUTION
guesses = {"read Secrets": "forbidden", "ask --as reader": "forbidden"}
guesses |= {"create a pod as reader": "allowed", "read Secrets as that pod": "allowed"}
predict("A9", guesses)
### END SOLUTION

# %% tags=["aside"]
space = "/api/v1/namespaces/aside-roles"
refused = writer.get(f"{space}/secrets")
reader = {"Impersonate-User": "system:serviceaccount:aside-roles:reader"}
as_reader = writer.request("GET", f"{space}/secrets", headers=reader)  # what --as sends
containers = [{"name": "main", "image": lab.image, "command": ["sleep", "9999999"]}]
spec = {"serviceAccountName": "reader", "containers": containers}
created = writer.post(f"{space}/pods", {"metadata": {"name": "tool"}, "spec": spec})
lab.wait("aside-roles/tool")
secrets = lab.as_pod("aside-roles/tool").get(f"{space}/secrets")

# %% tags=["aside"]
gone = lab.admin.delete(space)
print("what the list shows:", secrets.body["items"][0]["data"])
answers(
    ("writer", "read Secrets", refused),
    ("writer", "ask --as reader", as_reader),
    ("writer", "create a pod as reader", created),
    ("pod tool", "read Secrets as that pod", secrets),
)

# %% tags=["aside"]
check("A9")

# %% [markdown]
# `--as` takes a right: the verb `impersonate`. On all groups it is everything (`--as-group=system:masters`). To run a pod as an account takes none. So whoever may create pods in a
# namespace has every account in it, and every Secret that a pod can mount there. The same goes for deployments and jobs.
#
# `reader` has `list` on Secrets, and not `get`. There is no harmless `list` or `watch`: they show what the Secrets hold.

# %% [markdown]
# ## Aside 12 · Bound to view, and refused. Why?
#
# `view` is in every cluster, and the binding names it. Still the account is refused.

# %% tags=["aside"]
lab.fault("A12")

# %% [markdown]
# **Your turn:** find out why, and mend it. What you add must not allow more than `view` in `shop`.

# %% tags=["aside"]
### BEGIN SOLUTION
lab.admin.delete("/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings")
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: looking, namespace: shop}
roleRef: {kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: clerk, namespace: shop}]
""")
### END SOLUTION

# %% tags=["aside"]
check("A12")

# %% [markdown]
# `lab.fault("A12", fresh=True)` draws another one.

# %% [markdown]
# ## Five questions on this part
#
# Each comes back after 1, 7 and 30 days, at the beginning of a part: sooner if it was wrong.

# %%
drill(part=5)

# %% [markdown]
# ## How far you are
#
# The board can check a step itself, and give the next hint.

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
# ## For the curious
#
# Other rights that are more than they seem:
#
# - **`create` on `pods/exec`** (with `get`): whoever gets into a pod can read its token.
# - **`create` on `serviceaccounts/token`**: whoever has it can make a token of the account.
# - **`get` on `nodes/proxy`** is not read-only: it reaches the node's kubelet past audit log and admission, and the kubelet
#   can run commands in every pod of the node. A monitor needs `nodes/metrics`, `nodes/stats` and `nodes/log`. **now:** since
#   1.36 (on by default since 1.33) `nodes/pods`, `nodes/healthz` and `nodes/configz` are rights of their own, too.
# - **`edit`** reads and writes Secrets and can create pods, so it has every account of the namespace. **`admin`** writes
#   its roles and bindings as well, but not its quota.

# %% [markdown]
# <details>
# <summary>The escalation check and impersonation, exactly</summary>
#
# > - For a RoleBinding `bind` is looked for in its own namespace, even if the role is a cluster role. With
# >   `resourceNames` it is for those roles only.
# > - `impersonate` is given on `users`, `groups` and `serviceaccounts` of the core group. Who adds a group (`--as-group`)
# >   needs it for the group as well. Users and groups lie in no namespace, so this takes a ClusterRoleBinding.
# > - Whoever may impersonate anna can do all that she may, and not only ask `can-i`.
# > - **now:** on by default since 1.36 (beta), it can be narrower. Two verbs together allow only to list as one account:
# >   `impersonate:serviceaccount` on it (`serviceaccounts` of the group `authentication.k8s.io`), and
# >   `impersonate-on:serviceaccount:list` on the resource.
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
# This brings the cluster back to its beginning. Your passes are kept. Remove the `#` to run it.

# %%
# lab.reset()

# %% [markdown]
# **Alone:** [exercise 5](exercises/ex5-cluster-roles.ipynb) asks for the same with other names, and in
# [exercise 6](exercises/ex6-final.ipynb) you repair four pods.
# **Next:** [Test the policy](06-test-the-policy.ipynb). The words of this lab are in the [glossary](99-glossary.ipynb).
