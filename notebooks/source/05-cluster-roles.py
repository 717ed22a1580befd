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
# Time: about 30 minutes.

# %%
from labkit import Lab, check, expect_forbidden, hint, predict, solution

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
# ## W20 · Write a cluster role
#
# A role lives in a namespace. Two things do not fit into that. Some resources live in no
# namespace: nodes, namespaces themselves, *persistent volumes*. And with a hundred
# namespaces nobody wants to write the same role a hundred times. For both there is the
# **cluster role**: the same rules, without a namespace.

# %% [markdown]
# Create the cluster role `pv-reader`: `get` and `list` on `persistentvolumes`, which are in
# the core group. As a command:
# `kubectl create clusterrole pv-reader --verb=get,list --resource=persistentvolumes`.

# %%
role = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: pv-reader}
rules: []
"""
# Fill in the rules, then lab.apply(role).
### BEGIN SOLUTION
rule = '[{apiGroups: [""], verbs: [get, list], resources: [persistentvolumes]}]'
lab.apply(role.replace("[]", rule))
### END SOLUTION

# %%
check("W20")

# %% [markdown]
# ## W21 · Ask without a binding
#
# You have seen this moment before, in W16. **Predict:** the cluster role exists. May
# `kikai/test` list persistent volumes?

# %%
# predict("W21", "…")  # "allowed" or "forbidden"
### BEGIN SOLUTION
predict("W21", "forbidden")
### END SOLUTION

# %%
# me.get("/api/v1/persistentvolumes")
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
# Bind two cluster roles to `kikai`'s `default` account, each with a *RoleBinding* in `kikai`:
# `view`, and your `pv-reader`. **Predict** what the account may list then: the pods of
# `kikai`, the pods of `darbo`, and persistent volumes.

# %%
# predict("W22", {"pods in kikai": "…", "pods in darbo": "…", "persistent volumes": "…"})
### BEGIN SOLUTION
expected = {"pods in kikai": "allowed", "pods in darbo": "forbidden"}
predict("W22", expected | {"persistent volumes": "forbidden"})
### END SOLUTION

# %%
binding = """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: kikai, name: NAME}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ROLE}
subjects: [{kind: ServiceAccount, namespace: kikai, name: default}]
"""
# lab.apply it twice: NAME view-test, ROLE view; then NAME pv-test, ROLE pv-reader
### BEGIN SOLUTION
lab.apply(binding.replace("NAME", "view-test").replace("ROLE", "view"))
lab.apply(binding.replace("NAME", "pv-test").replace("ROLE", "pv-reader"))
### END SOLUTION

# %%
# me.get("/api/v1/namespaces/kikai/pods")
### BEGIN SOLUTION
me.get("/api/v1/namespaces/kikai/pods")
### END SOLUTION

# %%
# the pods of darbo, and /api/v1/persistentvolumes
### BEGIN SOLUTION
with expect_forbidden(verb="list"):
    display(me.get("/api/v1/namespaces/darbo/pods"))
    display(me.get("/api/v1/persistentvolumes"))
### END SOLUTION

# %%
check("W22")

# %% [markdown]
# A RoleBinding grants in its own namespace and nowhere else, whatever it refers to. So
# `view` works in `kikai` alone, which is the write-up's reason for cluster roles. And
# `pv-reader` does not help at all: a persistent volume is in no namespace, and a binding
# that holds in `kikai` never meets it. (That one is from the book.)
#
# Take both away again, so that the next steps start clean:

# %%
bindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/kikai/rolebindings"
lab.admin.delete(f"{bindings}/view-test").status, lab.admin.delete(f"{bindings}/pv-test").status

# %% [markdown]
# ## W23 · Bind it cluster-wide
#
# A **cluster role binding** has no namespace and holds everywhere. As a command:
#
# ```
# kubectl create clusterrolebinding pv-test --clusterrole=pv-reader --serviceaccount=kikai:default
# ```
#
# Create it, then ask again as `kikai/test`.

# %%
everywhere = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: NAME}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ROLE}
subjects: [{kind: ServiceAccount, namespace: kikai, name: default}]
"""
# lab.apply(everywhere, with NAME pv-test and ROLE pv-reader)
### BEGIN SOLUTION
lab.apply(everywhere.replace("NAME", "pv-test").replace("ROLE", "pv-reader"))
### END SOLUTION

# %%
# me.get("/api/v1/persistentvolumes")
### BEGIN SOLUTION
me.get("/api/v1/persistentvolumes")
### END SOLUTION

# %%
check("W23")

# %% [markdown]
# The list may be empty, and that is a yes: 200, and nothing there. Same account, same role;
# only the kind of binding has changed.

# %% [markdown]
# ## W24 · See every pod
#
# Last, the write-up's goal: an account that sees the pods of *every* namespace. We will bind
# `view` once more, this time by a ClusterRoleBinding: it reads most things, everywhere.
#
# **Predict** two answers: may the account list pods as it stands *now*, before anything is
# bound? And *afterwards*, may it read Secrets as well?

# %%
# predict("W24", {"pods before": "…", "secrets after": "…"})
### BEGIN SOLUTION
predict("W24", {"pods before": "forbidden", "secrets after": "forbidden"})
### END SOLUTION

# %% [markdown]
# First, as it stands: pods in `kikai`, in `darbo`, and across all namespaces.

# %%
places = ("/api/v1/namespaces/kikai/pods", "/api/v1/namespaces/darbo/pods", "/api/v1/pods")
{place: me.get(place).status for place in places}

# %% [markdown]
# Create the binding `view-test`, with the frame of W23 or with
# `kubectl create clusterrolebinding view-test --clusterrole=view --serviceaccount=kikai:default`.

# %%
# lab.apply(everywhere, with NAME view-test and ROLE view)
### BEGIN SOLUTION
lab.apply(everywhere.replace("NAME", "view-test").replace("ROLE", "view"))
### END SOLUTION

# %%
# ask for the pods of all namespaces: me.get("/api/v1/pods")
### BEGIN SOLUTION
me.get("/api/v1/pods")
### END SOLUTION

# %%
{place: me.get(place).status for place in places}

# %%
# and the Secrets of all namespaces: me.get("/api/v1/secrets")
### BEGIN SOLUTION
with expect_forbidden(verb="list"):
    answer = me.get("/api/v1/secrets")
answer
### END SOLUTION

# %%
check("W24")

# %% [markdown]
# From left to right: who, bound by what, to which role, with which rules. Pick a box to light
# up its paths; the marked one grants the request.

# %%
from labkit.ui import RBACGraph

RBACGraph(lab, who="kikai/default", request="list pods")

# %% [markdown]
# `view` leaves out Secrets on purpose: who reads a Secret can become whoever it belongs to,
# so reading it is more than looking. It leaves out roles and bindings as well. It has grown
# by *aggregation*: every cluster role with a certain label adds its rules to it.
#
# That is the end of the walkthrough: one service account, bound through a cluster role
# binding, sees the pods of every namespace.

# %%
from labkit.ui import Board

Board(lab)

# %% [markdown]
# ## What you know now
#
# 1. Every request goes through one server, which asks first *who are you*, then *may you*.
# 2. A pod says who it is with a token that was made for it, and that dies with it.
# 3. A role says what, a binding says who, and the binding's place says where.
# 4. Rights only add up. What nobody granted is forbidden.

# %% [markdown]
# ## Clean up (optional)
#
# This takes the walkthrough's objects away and brings the cluster back to its beginning.
# Your passes are kept. Leave it out if you want to go on playing. Remove the `#` to run it.

# %%
# lab.reset()

# %% [markdown]
# **Next:** try it alone. Six exercises ask for the same with other names, check what the cluster
# does, and tell you your points; [the first](exercises/ex1-api-server.ipynb) is about the API
# server, in [the last](exercises/ex6-final.ipynb) you repair four pods. The words of this lab, in
# English and Korean, are in the [glossary](99-glossary.ipynb).
