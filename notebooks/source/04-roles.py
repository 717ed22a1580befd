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
# # Roles and role bindings
#
# *Who may do what, in one namespace.*
#
# **In this lab you will** be refused, write a role, bind it, and find out exactly how far
# it reaches: which verbs, which namespace, which account. Time: about 35 minutes.

# %%
from labkit import Lab, check, expect_forbidden, hint, predict, solution

lab = Lab()

# %% [markdown]
# This part begins with an empty table: it needs nothing of the parts before. To start it
# over at any time, run `lab.rewind("W14")`. Your passes are kept.

# %% [markdown]
# ## W14 · Two namespaces, two pods
#
# *Authorization* is deciding what a known user may do. Kubernetes has several ways; the
# one everybody uses is RBAC, role-based access control. A **role** says WHAT: may eat the
# apple, may not eat the pizza. A **binding** says WHO gets a role.
#
# To see where a right begins and ends, we need everything twice: the namespaces `kikai`
# and `darbo`, and in each of them a pod `test` whose one container runs `kubectl proxy`
# and has a shell and curl.

# %% [markdown]
# With kubectl:
#
# ```
# kubectl create namespace kikai
# kubectl run test --image=luksa/kubectl-proxy -n kikai
# ```
#
# and the same for `darbo` (its container is then called `test`, like the pod; in the lab's
# files it is `main`, which makes no difference). The lab's files are `"04-roles/W14-namespaces.yaml"` and
# `"04-roles/W14-pods-test.yaml"`. On a real cluster take these: as in part 3, `lab.apply` plays the
# old image with a current one, and `kubectl run` does not.

# %%
# lab.apply(…) twice, then lab.wait("kikai/test") and lab.wait("darbo/test")
### BEGIN SOLUTION
lab.apply("04-roles/W14-namespaces.yaml")
lab.apply("04-roles/W14-pods-test.yaml")
lab.wait("kikai/test")
lab.wait("darbo/test")
### END SOLUTION

# %%
lab.admin.get("/api/v1/pods")

# %%
check("W14")

# %% [markdown]
# ## W15 · Ask without permission
#
# The pod `kikai/test` names no account, so it runs as `default` of the namespace `kikai`.
# `lab.as_pod("kikai/test")` takes the token that the pod has mounted and asks with it: the
# server cannot tell the difference. You may also ask from inside, with
# `lab.exec("kikai/test", "curl -s localhost:8001/…")`.
#
# **Predict:** may it list the services of its own namespace?

# %%
# predict("W15", "…")  # "allowed" or "forbidden"
### BEGIN SOLUTION
predict("W15", "forbidden")
### END SOLUTION

# %%
# me = lab.as_pod("kikai/test"), then me.get("/api/v1/namespaces/kikai/services")
### BEGIN SOLUTION
me = lab.as_pod("kikai/test")
with expect_forbidden(verb="list"):
    answer = me.get("/api/v1/namespaces/kikai/services")
answer
### END SOLUTION

# %%
check("W15")

# %% [markdown]
# The message has all of it: **who** (`system:serviceaccount:kikai:default`), the **verb**
# (`list`), the **resource** (`services`), the **API group** (`""`, the core group), and
# **where** (the namespace `kikai`). A role will answer the middle three, a binding the
# other two.
#
# To ask as this account in a terminal, say `TOKEN=$(kubectl create token default -n kikai)` first;
# then the two commands that the answer shows work there as well.

# %% [markdown]
# ## W16 · Write a role
#
# A role is a list of rules. Each rule names API groups, resources and verbs, and allows
# every combination of them. There is no rule that forbids: what no rule allows is
# forbidden. This one is called `service-reader`:
#
# ```yaml
# apiVersion: rbac.authorization.k8s.io/v1
# kind: Role
# metadata:
#   namespace: kikai
#   name: service-reader
# rules:
# - apiGroups: [""]
#   verbs: ["get", "list"]
#   resources: ["services"]
# ```

# %% [markdown]
# `get` reads one object by its name, `list` reads all of them: two verbs, because one may
# be harmless where the other is not. **Predict:** once this role exists in `kikai`, may the
# pod `kikai/test` list services?

# %%
# predict("W16", "…")  # "allowed" or "forbidden"
### BEGIN SOLUTION
predict("W16", "forbidden")
### END SOLUTION

# %% [markdown]
# Create the role in `kikai`, and the same role in `darbo`.

# %%
role = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {namespace: kikai, name: service-reader}
rules: []
"""
# Fill in the rules and lab.apply(role), then once more for darbo.
### BEGIN SOLUTION
rule = '[{apiGroups: [""], verbs: [get, list], resources: [services]}]'
lab.apply(role.replace("[]", rule))
lab.apply(role.replace("[]", rule).replace("kikai", "darbo"))
### END SOLUTION

# %%
# ask again as kikai/test
### BEGIN SOLUTION
with expect_forbidden(verb="list"):
    answer = me.get("/api/v1/namespaces/kikai/services")
answer
### END SOLUTION

# %%
check("W16")

# %% [markdown]
# Nothing has changed: a role without a binding grants nothing. It is a piece of paper in a
# drawer. And when one subject has several roles, they add up; none takes anything away.

# %% [markdown]
# ## W17 · Bind it
#
# A role binding joins one role (`roleRef`) to a list of `subjects`. It lies in a namespace,
# and it grants in that namespace only. As a command:
#
# ```
# kubectl create rolebinding test --role=service-reader --serviceaccount=kikai:default -n kikai
# ```
#
# As YAML it is the frame below. **Predict** first: with `get` and `list` granted, may the
# account then *change* a service, say, delete one?

# %%
# predict("W17", "…")  # "allowed" or "forbidden"
### BEGIN SOLUTION
predict("W17", "forbidden")
### END SOLUTION

# %%
binding = """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: kikai, name: test}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: service-reader}
subjects: []
"""
# Name the subject (kind ServiceAccount, namespace, name), then lab.apply(binding).
### BEGIN SOLUTION
subject = "{kind: ServiceAccount, namespace: kikai, name: default}"
lab.apply(binding.replace("[]", f"[{subject}]"))
### END SOLUTION

# %%
# ask again as kikai/test
### BEGIN SOLUTION
me.get("/api/v1/namespaces/kikai/services")
### END SOLUTION

# %% [markdown]
# The very next request is allowed. Look at *decided*: the server names the binding and the
# role that said yes (names first: `test/kikai` is the binding `test` of `kikai`). An empty list
# is a yes, too. And changing?

# %%
# me.delete("/api/v1/namespaces/kikai/services/web")
### BEGIN SOLUTION
with expect_forbidden(verb="delete"):
    answer = me.delete("/api/v1/namespaces/kikai/services/web")
answer
### END SOLUTION

# %%
check("W17")

# %% [markdown]
# Every cell of this matrix is a question to the server. Keep it in sight through the next two
# steps: *Ask again* marks what has changed, and a click on a cell asks why.

# %%
from labkit.ui import AccessMatrix

AccessMatrix(lab, ["kikai/default", "darbo/default"], namespace="kikai")

# %% [markdown]
# **now:** the write-up says that services can now be listed *and changed*. They cannot, and
# could not then: the role grants `get` and `list`. There is no service `web` at all, and
# still the answer is 403, not 404: permission is checked before anything is looked up.

# %% [markdown]
# ## W18 · Add a second subject
#
# A subject may live in another namespace. Let the `default` account of `darbo` read the
# services of `kikai` too: add it to the binding, and keep the first subject. In a terminal
# it is `kubectl edit rolebinding test -n kikai`.
#
# From Python, the official client can do it: read the binding, append a subject, replace
# it. (The subjects of a binding may change; its `roleRef` may not. `lab.names` says what the
# two namespaces are called on your cluster: a shared one puts something before each name.)

# %%
import kubernetes

client = kubernetes.config.new_client_from_config(str(lab.kubeconfig))
rbac = kubernetes.client.RbacAuthorizationV1Api(client)
kikai, darbo = (lab.names.namespace(name) for name in ("kikai", "darbo"))

# %%
# binding = rbac.read_namespaced_role_binding("test", kikai), append, rbac.replace_…
### BEGIN SOLUTION
binding = rbac.read_namespaced_role_binding("test", kikai)
other = kubernetes.client.RbacV1Subject(kind="ServiceAccount", namespace=darbo, name="default")
binding.subjects.append(other)
binding = rbac.replace_namespaced_role_binding("test", kikai, binding)
### END SOLUTION

# %%
lab.kubectl("get rolebindings -n kikai -o wide")

# %%
check("W18")

# %% [markdown]
# ## W19 · See where a right ends
#
# Now stand in the other pod, `darbo/test`. It runs as the `default` account of `darbo`. The
# role `service-reader` exists in both namespaces, and the binding lies in one.
#
# **Predict both:** may it list the services of `kikai`? And those of `darbo`, where it is at
# home?

# %%
# predict("W19", {"kikai": "…", "darbo": "…"})
### BEGIN SOLUTION
predict("W19", {"kikai": "allowed", "darbo": "forbidden"})
### END SOLUTION

# %%
# from_darbo = lab.as_pod("darbo/test"), then the services of kikai
### BEGIN SOLUTION
from_darbo = lab.as_pod("darbo/test")
from_darbo.get("/api/v1/namespaces/kikai/services")
### END SOLUTION

# %%
# and the services of darbo
### BEGIN SOLUTION
with expect_forbidden(verb="list"):
    answer = from_darbo.get("/api/v1/namespaces/darbo/services")
answer
### END SOLUTION

# %%
check("W19")

# %% [markdown]
# Where a right holds is decided by where the *binding* lies, not by where the subject
# lives. `darbo` has the same role, and it lies in its drawer.
#
# **now:** here too the write-up says *and changed*. From `darbo`, nothing of `kikai` can be
# changed either, as any attempt shows:

# %%
# from_darbo.delete("/api/v1/namespaces/kikai/services/web")
### BEGIN SOLUTION
with expect_forbidden(verb="delete"):
    answer = from_darbo.delete("/api/v1/namespaces/kikai/services/web")
answer
### END SOLUTION

# %% [markdown]
# `XRay(answer, lab)` shows where a refused request stopped, what came near to allowing it,
# and the smallest change that would.

# %%
from labkit.ui import Board

Board(lab, "04-roles")

# %% [markdown]
# **You have seen:** a role says what, a binding says who, and its namespace says where.
# Each of the three can be too wide. Give the least that does the job.
#
# **Next:** [Cluster roles and cluster role bindings](05-cluster-roles.ipynb)
