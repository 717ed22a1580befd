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
# it reaches: which verbs, which namespace, which account. Time: about 40 minutes.
#
# ![You are here: authorization, the fourth of six stations. Before it: you ask, TLS,
# authentication. After it: admission, and etcd, which stores the objects.](pictures/request-authorization.svg)

# %%
from labkit import Lab, check, expect_forbidden, hint, predict, recall, solution

lab = Lab()

# %% [markdown]
# This part begins with an empty table: it needs nothing of the parts before. To start it
# over at any time, run `lab.rewind("W14")`. Your passes are kept.
#
# From here on the text names the goal, and you write the calls. Everything in them you have used
# before: `lab.apply`, `lab.wait`, `lab.as_pod`, `get`; or kubectl, or Python. `hint("W14")` is there
# in each step.

# %% [markdown]
# The panel rewinds the cluster to the beginning of a step, and shows what else it can do where you are.
#
# After a restart of the kernel: select the cell where you were, then *Run → Run All Above Selected Cell*.
# The cluster and your passes are still there.

# %% tags=["widget"]
from labkit.ui import Board, PodTerminal, StartPanel

StartPanel()

# %% [markdown]
# ## Three questions first
#
# They are about parts 1 to 3. Write the letter that you choose between the quotes, and run the
# cell. Nothing is counted: a wrong one tells you what to think of.
#
# **4.1** A pod names no account. As whom does it ask?
# * a: as nobody
# * b: as the account `default` of its namespace
# * c: as whoever created the pod

# %%
recall("4.1", "")

# %% [markdown]
# **4.2** The server answers 403 and names the pod's account. Which station has the pod not passed?
# * a: authentication
# * b: authorization
# * c: TLS

# %%
recall("4.2", "")

# %% [markdown]
# **4.3** In which API group do roles live, and in which one services?
# * a: both in `core`
# * b: both in `rbac.authorization.k8s.io`
# * c: roles in `rbac.authorization.k8s.io`, services in `""`

# %%
recall("4.3", "")

# %% [markdown]
# ## W14 · Two namespaces, two pods
#
# *Authorization* is deciding what a known user may do. Kubernetes has several *authorizers*: RBAC (role-based
# access control), which nearly every cluster uses, one for nodes (a kubelet may read the Secrets that the pods of
# its own node need, and no others), one that asks another server (a webhook). They
# form a chain. Each says yes, no, or nothing; the first that says yes or no decides. RBAC says yes or nothing, and
# never no. If nobody says yes, the answer is 403. One group passes before all of them: `system:masters`. No binding
# gives it its rights, and deleting bindings takes none away. **now:** since 1.32 the chain may stand in a file
# (`AuthorizationConfiguration`), with several webhooks.
#
# In RBAC a **role** says WHAT may
# be done: eat the apple. A **binding** says WHO gets a role. The pizza stands in no role that is
# bound to them. So they may not eat it, and it needs no rule to forbid it: nobody gave it to them.
#
# ![Left, WHO: a subject, kikai:default. In the middle, the BINDING, drawn as two rings: it gives
# WHAT to WHO, where the binding lies. Right, WHAT: a role, eat the apple; that is allowed. Below, a
# pizza: no binding joins it to anybody, nobody gave it to them. The answer is no, and yet no rule
# forbids it.](pictures/who-binding-what.svg)
#
# To see where a right begins and ends, we need everything twice: the namespaces `kikai`
# and `darbo`, and in each of them a pod `test` whose one container runs `kubectl proxy`
# and has a shell and curl.

# %% [markdown]
# **Your turn:** create the two namespaces. A namespace is an object of the core group, with nothing
# in it but a name. Its account `default` comes by itself, as you saw in W9.

# %%
### BEGIN SOLUTION
lab.apply("""
apiVersion: v1
kind: Namespace
metadata: {name: kikai}
---
apiVersion: v1
kind: Namespace
metadata: {name: darbo}
""")
### END SOLUTION

# %% [markdown]
# **Your turn:** create a pod `test` in each, and wait until both run. One container is enough, with
# the image `luksa/kubectl-proxy`. It names no account.
#
# (The image is as old as the ambassador's in part 3. On a real cluster use `lab.apply`, which plays
# it with a current one. kubectl does not.)

# %%
### BEGIN SOLUTION
lab.apply("""
apiVersion: v1
kind: Pod
metadata: {namespace: kikai, name: test}
spec: {containers: [{name: main, image: luksa/kubectl-proxy}]}
""")
lab.wait("kikai/test")
### END SOLUTION

# %%
### BEGIN SOLUTION
lab.apply("""
apiVersion: v1
kind: Pod
metadata: {namespace: darbo, name: test}
spec: {containers: [{name: main, image: luksa/kubectl-proxy}]}
""")
lab.wait("darbo/test")
### END SOLUTION

# %%
lab.admin.get("/api/v1/pods")

# %%
check("W14")

# %% [markdown]
# <details>
# <summary>As commands, to compare</summary>
#
# > ```
# > kubectl create namespace kikai
# > kubectl run test --image=luksa/kubectl-proxy -n kikai
# > ```
# >
# > and the same for `darbo`. `kubectl run` calls the container `test`, like the pod. In the other
# > manifests of this lab it is `main`. That makes no difference here.
#
# </details>

# %% [markdown]
# ## W15 · Ask without permission
#
# The pod `kikai/test` names no account, so it runs as `default` of the namespace `kikai`.
# `lab.as_pod("kikai/test")` takes the token that the pod has mounted and asks with it: the
# server cannot tell the difference. You may also ask from inside, with
# `lab.exec("kikai/test", "curl -s localhost:8001/…")`.
#
# **Predict:** may it list the services of its own namespace, `"allowed"` or `"forbidden"`?

# %%
# predict("W15", "…")
### BEGIN SOLUTION
predict("W15", "forbidden")
### END SOLUTION

# %% [markdown]
# **Your turn:** ask, as that pod. W4 shows how the address of a namespace's services is built. Call
# the caller `me`: the next steps go on with it. Where you expect a refusal, `expect_forbidden` says so.
# Below the cell is a prompt in the pod, for those who ask from inside. (To ask *whether* it may, `kubectl auth can-i`,
# is another call, and the check wants this one. The aside after W17 is about such questions.)

# %%
# me = lab.as_pod("…")
### BEGIN SOLUTION
me = lab.as_pod("kikai/test")
with expect_forbidden(verb="list"):
    answer = me.get("/api/v1/namespaces/kikai/services")
answer
### END SOLUTION

# %% tags=["widget"]
PodTerminal(lab, "kikai/test")

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
# forbidden. A rule for something else, the deployments of the group `apps`, looks like this:
#
# ```
# rules:
# - apiGroups: ["apps"]
#   resources: ["deployments"]
#   verbs: ["create", "delete"]
# ```
#
# Your role is called `service-reader`. It allows `get` and `list` on services, and nothing more.

# %% [markdown]
# `get` reads one object by its name, `list` reads all of them: two verbs, because one may
# be harmless where the other is not. **Predict:** once this role exists in `kikai`, may the
# pod `kikai/test` list services, `"allowed"` or `"forbidden"`?

# %%
# predict("W16", "…")
### BEGIN SOLUTION
predict("W16", "forbidden")
### END SOLUTION

# %% [markdown]
# **Your turn:** create the role in `kikai`, and the same role in `darbo`. The frame:
#
# ```
# apiVersion: rbac.authorization.k8s.io/v1
# kind: Role
# metadata: {namespace: …, name: …}
# rules:
# - …
# ```

# %%
### BEGIN SOLUTION
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {namespace: kikai, name: service-reader}
rules:
- {apiGroups: [""], verbs: [get, list], resources: [services]}
""")
### END SOLUTION

# %%
### BEGIN SOLUTION
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {namespace: darbo, name: service-reader}
rules:
- {apiGroups: [""], verbs: [get, list], resources: [services]}
""")
### END SOLUTION

# %% [markdown]
# **Your turn:** ask again for the services of `kikai`, as `kikai/test`.

# %%
### BEGIN SOLUTION
me.get("/api/v1/namespaces/kikai/services")
### END SOLUTION

# %%
check("W16")

# %% [markdown]
# Nothing has changed: a role without a binding grants nothing. It is a piece of paper in a
# drawer. And when one subject has several roles, they add up; none takes anything away.
#
# The graph shows who is bound to what in `kikai`. The role is there, and nobody has it.

# %%
from labkit.ui import RBACGraph

RBACGraph(lab, namespace="kikai")

# %% [markdown]
# <details>
# <summary>The manifest, to compare</summary>
#
# > ```
# > apiVersion: rbac.authorization.k8s.io/v1
# > kind: Role
# > metadata:
# >   namespace: kikai
# >   name: service-reader
# > rules:
# > - apiGroups: [""]
# >   verbs: ["get", "list"]
# >   resources: ["services"]
# > ```
#
# </details>

# %% [markdown]
# Two more things a rule can say. The exercises will ask for them:
#
# - **`resourceNames: ["web"]`** makes a rule hold for the objects of that name only. It suits `get`,
#   `update`, `patch` and `delete`. A plain list names no object, so such a rule lets nobody list them all. One
#   list it does allow: the one that asks for this name, `?fieldSelector=metadata.name=web`. `kubectl get -w web`
#   sends it. `create` names no object in its address either: with `resourceNames`, a rule never allows it.
# - **`resources: ["pods/log"]`** is a *subresource*: a pod's log. Each is a right of its own. Who may
#   get pods may not read their logs by that, nor `pods/exec` into them.
#
# <details>
# <summary>Rules, exactly: to look up when you need it</summary>
#
# > - A rule allows a request if its API groups, its resources *and* its verbs all have what the request has. Rules
# >   do not mix: a verb of one rule does not count for the resources of another.
# > - `"*"` as a verb, group or resource is any of them, also those that are added later. `resources: ["*"]` covers
# >   subresources too. `"*/scale"` is the subresource `scale` of every resource. `"pods/*"` matches nothing.
# > - With `resourceNames`, `create` and `deletecollection` are never allowed, and `list` and `watch` only for the one
# >   name that the field selector asks for.
# > - Labels play no part: no rule of RBAC says *pods with this label*.
# > - A resource means the object, not what it refers to. Who may get pods may not get the Secrets that they mount.
# > - A role of a namespace may name any resource; what lies in no namespace it does not give.
# > - A change of a role or a binding counts at once (in a real cluster within moments). Nobody has to log in again.
#
# </details>

# %% [markdown]
# ## W17 · Bind it
#
# A role binding joins one role (`roleRef`) to a list of `subjects`. It lies in a namespace,
# and it grants in that namespace only.
#
# **Predict** first: with `get` and `list` granted, may the account then *change* a service, say,
# delete one? `"allowed"` or `"forbidden"`?

# %%
# predict("W17", "…")
### BEGIN SOLUTION
predict("W17", "forbidden")
### END SOLUTION

# %% [markdown]
# **Your turn:** create a role binding `test` that gives `service-reader` to the account of the pod
# `kikai/test`, and to nobody else. The frame as YAML, and as a command:
#
# ```
# apiVersion: rbac.authorization.k8s.io/v1
# kind: RoleBinding
# metadata: {namespace: …, name: test}
# roleRef: {apiGroup: rbac.authorization.k8s.io, kind: …, name: …}
# subjects:
# - {kind: …, namespace: …, name: …}
# ```
#
# ```
# kubectl create rolebinding test --role=… --serviceaccount=NAMESPACE:ACCOUNT -n …
# ```

# %%
### BEGIN SOLUTION
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: kikai, name: test}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: service-reader}
subjects:
- {kind: ServiceAccount, namespace: kikai, name: default}
""")
### END SOLUTION

# %% [markdown]
# **Your turn:** ask again, as in W15.

# %%
### BEGIN SOLUTION
me.get("/api/v1/namespaces/kikai/services")
### END SOLUTION

# %% [markdown]
# A binding's `roleRef` names one role: a Role of the same namespace, or a ClusterRole. A Role of another namespace
# cannot be bound.
#
# The very next request is allowed. Look at *decided*: the server names the binding and the
# role that said yes (names first: `test/kikai` is the binding `test` of `kikai`). An empty list
# is a yes, too.
#
# **Your turn:** and changing? Try to delete a service, of any name. A caller has `delete`, as it
# has `get`; one object's address is that of the list, with `/NAME` behind it.

# %%
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
# Services can be listed, and not changed: the role grants `get` and `list`. There was no such service at
# all, and still the answer was 403, not 404: permission is checked before anything is looked up.
#
# <details>
# <summary>As a command, to compare</summary>
#
# > ```
# > kubectl create rolebinding test --role=service-reader --serviceaccount=kikai:default -n kikai
# > ```
#
# </details>

# %% [markdown]
# ## Aside 5 · Ask before you act
#
#
# You can ask the server whether a call would be allowed, and not make it. In a terminal:
#
# ```
# kubectl auth whoami
# kubectl auth can-i list services -n kikai \
#   --as=system:serviceaccount:kikai:default
# kubectl auth can-i --list -n kikai
# ```
#
# `--as` is *impersonation*: the administrator asks as somebody else. In Python a caller has `whoami()` and `can()`.
# The checks of this lab want the call itself.
#
# Such a question is a request too: a `create` on `selfsubjectaccessreviews`. A default cluster role binding gives it to
# everybody who is authenticated, so anyone may ask about themselves.
#
# **Predict** what the server answers for the account of `kikai/test`, `"yes"` or `"no"`: may it `list services`,
# `list service` (misspelt), `delete services`, each in `kikai`?

# %% tags=["aside"]
# predict("A5", {"list services": "…", "list service": "…", "delete services": "…"})
### BEGIN SOLUTION
predict("A5", {"list services": "yes", "list service": "no", "delete services": "no"})
### END SOLUTION

# %% tags=["aside"]
lab.prepare("04-roles/W14-namespaces.yaml")
account = lab.as_service_account("kikai/default")
questions = (("list", "services"), ("list", "service"), ("delete", "services"))
[account.can(verb, resource, "kikai") for verb, resource in questions]

# %% tags=["aside"]
check("A5")

# %% [markdown]
# Three things to know about such answers:
#
# - A misspelt resource is a *no*. The server looks for a rule, and not for the resource.
# - A *yes* is about authorization alone. Admission may still refuse the object, and the object may not exist.
# - `--list` may be incomplete. It shows the rules that the authorizers can list, for one namespace.
#   The server marks an incomplete list with `incomplete: true`. Ask about the one call that you need.

# %% [markdown]
# ## W18 · Add a second subject
#
# A subject may live in another namespace. Let the `default` account of `darbo` read the
# services of `kikai` too.
#
# **Your turn:** add it to the binding `test`, and keep the first subject. The subjects of a binding
# may change; its `roleRef` may not. Ways to do it:
#
# - `lab.apply` with the binding once more, and both subjects in its list;
# - `kubectl edit rolebinding test -n …` in a terminal;
# - the official Python client of W4: read the binding, append a subject, replace it. (On a shared
#   cluster, where each name begins with a prefix, `lab.names.namespace("kikai")` is the whole name.)

# %%
### BEGIN SOLUTION
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: kikai, name: test}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: service-reader}
subjects:
- {kind: ServiceAccount, namespace: kikai, name: default}
- {kind: ServiceAccount, namespace: darbo, name: default}
""")
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
# **Predict both**, `"allowed"` or `"forbidden"`: may it list the services of `kikai`? And those of
# `darbo`, where it is at home?

# %%
# predict("W19", {"kikai": "…", "darbo": "…"})
### BEGIN SOLUTION
predict("W19", {"kikai": "allowed", "darbo": "forbidden"})
### END SOLUTION

# %% [markdown]
# **Your turn:** ask for both, as the pod `darbo/test`. First the services of `kikai`, then those of
# `darbo`.

# %%
### BEGIN SOLUTION
from_darbo = lab.as_pod("darbo/test")
from_darbo.get("/api/v1/namespaces/kikai/services")
### END SOLUTION

# %%
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
# And changing? From `darbo`, nothing of `kikai` can be changed either. **Your turn:** show it.

# %%
### BEGIN SOLUTION
with expect_forbidden(verb="delete"):
    answer = from_darbo.delete("/api/v1/namespaces/kikai/services/web")
answer
### END SOLUTION

# %% [markdown]
# `XRay(answer, lab)` shows where a refused request stopped, what came near to allowing it,
# and the smallest change that would.

# %% [markdown]
# ## Aside 6 · A group, and whom it means tomorrow
#
#
# A subject may be a group. Each service account is in three groups: `system:serviceaccounts:NAMESPACE`,
# `system:serviceaccounts` (those of all namespaces) and `system:authenticated` (everybody with a valid credential,
# people too). It is in no other group. The lab's file makes an account in each
# namespace, and binds `service-reader` in `kikai` to the group `system:serviceaccounts:kikai`.
#
# **Predict** who may list the services of `kikai` by that, `"allowed"` or `"forbidden"`: an account `of kikai` (`early`),
# one `made later`, one `of darbo` (`other`).

# %% tags=["aside"]
# predict("A6", {"of kikai": "…", "made later": "…", "of darbo": "…"})
### BEGIN SOLUTION
predict("A6", {"of kikai": "allowed", "made later": "allowed", "of darbo": "forbidden"})
### END SOLUTION

# %% tags=["aside"]
lab.prepare("04-roles/W14-namespaces.yaml")
lab.apply("04-roles/tryout/W19-aside-group.yaml")
path = "/api/v1/namespaces/kikai/serviceaccounts"
lab.admin.post(path, {"metadata": {"name": "late"}})
names = ("kikai/early", "kikai/late", "darbo/other")
callers = [lab.as_service_account(name) for name in names]
answers = [caller.can("list", "services", "kikai") for caller in callers]
bindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/kikai/rolebindings"
lab.admin.delete(f"{bindings}/aside-group")
answers

# %% tags=["aside"]
check("A6")

# %% [markdown]
# A binding to a group is a promise about the future: whoever may create an account or a pod in `kikai` has the right.
# `system:authenticated` is more still: everybody who can log in at all. Name the one account that needs the right.

# %% [markdown]
# ## Aside 7 · A binding outlives its account
#
#
# Tokens go by uid, as you saw in part 3. And bindings? The lab's file makes the account `guest` in `darbo`, and a
# binding in `kikai` that names it. Somebody deletes the account, and makes a new one with the same name. **Predict**,
# `"allowed"` or `"forbidden"`: may `the account made again` list the services of `kikai`?

# %% tags=["aside"]
# predict("A7", {"the account made again": "…"})
### BEGIN SOLUTION
predict("A7", {"the account made again": "allowed"})
### END SOLUTION

# %% tags=["aside"]
lab.apply("04-roles/tryout/W19-aside-guest.yaml")
path = "/api/v1/namespaces/darbo/serviceaccounts"
lab.admin.delete(f"{path}/guest")
lab.admin.post(path, {"metadata": {"name": "guest"}})
answer = lab.as_service_account("darbo/guest").can("list", "services", "kikai")
lab.admin.delete(f"{bindings}/aside-guest")
answer

# %% tags=["aside"]
check("A7")

# %% [markdown]
# A binding names its subjects by kind, namespace and name. It does not know their uids. When an account is deleted, its
# bindings stay, and wait for the next account of this name. So delete the bindings too. The same holds for `roleRef`:
# it names a role, and a role of that name made later is what is bound.

# %% [markdown]
# ## How far you are
#
# The board follows your checks. It can check a step itself, and give the next hint.

# %% tags=["widget"]
Board(lab, "04-roles")

# %% [markdown]
# ## Explain it in your words
#
# **The role `service-reader` lies in `kikai` and in `darbo`, and one binding lies in `kikai`. Why may
# the pod of `darbo` list `kikai`'s services, and not those of its own namespace?** Write in the cell
# below, then compare.

# %% [markdown]
# *Double-click here, and write.*

# %% [markdown]
# <details>
# <summary>A model answer</summary>
#
# > A right needs a WHAT, a WHO and a binding that joins them, and it holds where the binding lies. The
# > binding in `kikai` names the account of `darbo` as one of its subjects, so that account may list
# > there. In `darbo` there is the same role, but no binding: the role is given to nobody. Nothing forbids
# > it either. Where the account lives plays no part.
#
# </details>

# %% [markdown]
# **You have seen:** a role says what, a binding says who, and its namespace says where.
# Each of the three can be too wide. Give the least that does the job.
#
# **Read on:**
# <https://kubernetes.io/docs/reference/access-authn-authz/authorization/>,
# <https://kubernetes.io/docs/reference/access-authn-authz/rbac/>
#
# **Next:** [Cluster roles and cluster role bindings](05-cluster-roles.ipynb)
