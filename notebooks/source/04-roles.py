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
# **In this lab you will** be refused, write a role, bind it, and find out how far it reaches: which
# verbs, which namespace, which account. Time: about 35 minutes.
#
# ![You are here: authorization, the fourth of six stations. Before it: you ask, TLS,
# authentication. After it: admission, and etcd, which stores the objects.](pictures/request-authorization.svg)

# %%
from labkit import Lab, answers, check, drill, expect_forbidden, hint, predict, solution

lab = Lab()

# %% [markdown]
# To start this part over, run `lab.rewind("W14")`: your passes are kept. From here on the text names the goal, and you
# write the calls: `lab.apply`, `lab.wait`, `lab.as_pod`, `get`; or kubectl. `hint("W14")` is there in each step.

# %% [markdown]
# The panel rewinds the cluster to the beginning of a step.
#
# After a restart of the kernel: select the cell where you were, then *Run → Run All Above Selected Cell*.
# The cluster and your passes are still there.

# %% tags=["widget"]
from labkit.ui import Board, PodTerminal, StartPanel

StartPanel()

# %% [markdown]
# ## Three questions first
#
# They are about the parts before: first those that are due. A wrong answer costs nothing. It comes back tomorrow.

# %%
drill(before=4)

# %% [markdown]
# ## W14 · Two namespaces, two pods
#
# *Authorization* decides what a known user may do, on nearly every cluster by *RBAC* (role-based access control).
# A **role** says WHAT may be done: eat the apple. A **binding** says WHO gets a role.
#
# To see where a right ends, we need everything twice: the namespaces `kikai` and `darbo`, and in each a pod `test` whose
# one container runs `kubectl proxy` and has a shell and curl.

# %% [markdown]
# **Your turn:** create the two namespaces. A namespace is an object of the core group that needs only a name.

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
# **Your turn:** create a pod `test` in each, and wait until both run: one container, with the image
# `luksa/kubectl-proxy`, and no account. (On a real cluster use `lab.apply`: it plays this old image with a current one.)

# %%
### BEGIN SOLUTION
pod = """
apiVersion: v1
kind: Pod
metadata: {namespace: kikai, name: test}
spec: {containers: [{name: main, image: luksa/kubectl-proxy}]}
"""
lab.apply(pod)
lab.apply(pod.replace("kikai", "darbo"))
lab.wait("kikai/test")
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
# The pod `kikai/test` names no account, so it runs as `default` of `kikai`. `lab.as_pod("kikai/test")` asks with the
# token that the pod has mounted. You may also ask from inside, with
# `lab.exec("kikai/test", "curl -s localhost:8001/…")`, or at the prompt below.
#
# Nobody made this account: each namespace has it from the beginning. **Predict:** may it list the services of its own
# namespace, `"allowed"` or `"forbidden"`?

# %%
# predict("W15", "…")
### BEGIN SOLUTION
predict("W15", "forbidden")
### END SOLUTION

# %% [markdown]
# **Your turn:** ask, as that pod. W4 shows how the address of a namespace's services is built. Call
# the caller `me`: the next steps go on with it. Where you expect a refusal, `expect_forbidden` says so.

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
# The message has all of it: **who** (`system:serviceaccount:kikai:default`), the **verb** (`list`), the
# **resource** (`services`), the **API group** (`""`, the core group), and **where** (the namespace `kikai`). A role
# will answer the middle three, a binding the other two.
#
# Nobody has forbidden the pizza. Nobody gave it to them:
#
# ![Left, WHO: a subject, kikai:default. In the middle, the BINDING, drawn as two rings: it gives
# WHAT to WHO, where the binding lies. Right, WHAT: a role, eat the apple; that is allowed. Below, a
# pizza: no binding joins it to anybody, nobody gave it to them. The answer is no, and yet no rule
# forbids it.](pictures/who-binding-what.svg)

# %% [markdown]
# ## W16 · Write a role
#
# A role is a list of rules. Each names API groups, resources and verbs, and allows every combination of them: `get`
# reads one object by its name, `list` all of them. It can name objects, too. The account `narrow` is bound to this role:
#
# ```
# rules:
# - apiGroups: [""]
#   resources: ["services"]
#   resourceNames: ["web"]
#   verbs: ["get", "list", "create"]
# - {apiGroups: [""], resources: ["deployments"], verbs: ["list"]}
# - apiGroups: [""]
#   resources: ["serviceaccounts/token"]
#   resourceNames: ["narrow"]
#   verbs: ["create"]
# ```
#
# **Predict:** may `narrow` list services, `"allowed"` or `"forbidden"`?

# %%
# predict("W16", "…")
### BEGIN SOLUTION
predict("W16", "forbidden")
### END SOLUTION

# %%
lab.apply("04-roles/tryout/W16-role-narrow.yaml")
narrow = lab.as_service_account("aside-names/narrow")
space = "/api/v1/namespaces/aside-names"
named = narrow.get(f"{space}/services?fieldSelector=metadata.name=web")
answers(
    ("narrow", "get the service web", narrow.get(f"{space}/services/web")),
    ("narrow", "list services", narrow.get(f"{space}/services")),
    ("narrow", "list services of the name web", named),
)

# %% [markdown]
# A plain list names no object, so a rule with `resourceNames` does not allow it. A list that asks for the name does
# name one: `kubectl get services --field-selector metadata.name=web` sends it. (`kubectl get -w services web` sends a get
# and the same as a *watch*, a verb that this rule lacks.)
#
# Think before you run the next cell: which of the other two rules allow anything?

# %%
service = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
token = narrow.post(f"{space}/serviceaccounts/narrow/token", {})
deployments = narrow.get("/apis/apps/v1/namespaces/aside-names/deployments")
table = answers(
    ("narrow", "create the service web", narrow.post(f"{space}/services", service)),
    ("narrow", "create a token of narrow", token),
    ("narrow", "list deployments", deployments),
)
gone = lab.admin.delete(space)
table

# %% [markdown]
# A new object has no name in its address, so with `resourceNames` its `create` is never allowed. A *subresource* has:
# `serviceaccounts/narrow/token`. (`deployments/scale` is another.) Each subresource is a right of its own: who may get pods may not read `pods/log` by that.
#
# Deployments are in the group `apps`. A rule for `""` does not mean them, and the server does not warn you.

# %% [markdown]
# **Your turn:** create the role `service-reader` in `kikai`, and the same role in `darbo`. It allows `get` and `list` on
# services, and nothing more. The frame:
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
role = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {namespace: kikai, name: service-reader}
rules:
- {apiGroups: [""], verbs: [get, list], resources: [services]}
"""
lab.apply(role)
lab.apply(role.replace("kikai", "darbo"))
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
# Nothing has changed: a role without a binding grants nothing. In the graph the role is there, and nobody has it.

# %%
from labkit.ui import RBACGraph

RBACGraph(lab, namespace="kikai")

# %% [markdown]
# ## W17 · Bind it
#
# A role binding joins one role (`roleRef`) to a list of `subjects`, and lies in a namespace.
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
# **Your turn:** ask again, as in W15. And changing? Try to delete a service, of any name. A caller has `delete`, as it
# has `get`; one object's address is that of the list, with `/NAME` behind it.

# %%
### BEGIN SOLUTION
display(me.get("/api/v1/namespaces/kikai/services"))
with expect_forbidden(verb="delete"):
    answer = me.delete("/api/v1/namespaces/kikai/services/web")
answer
### END SOLUTION

# %%
check("W17")

# %% [markdown]
# The very next request was allowed, and an empty list is a yes, too. *decided* names the binding and the role that said
# yes: `test/kikai` is the binding `test` of `kikai`.
#
# Deleting is refused: what no rule allows is forbidden. There was no such service, and still the answer was 403, not 404:
# permission is checked before anything is looked up.
#
# Keep this matrix in sight through the next two steps: *Ask again* marks what has changed, a click on a cell asks why.

# %%
from labkit.ui import AccessMatrix

AccessMatrix(lab, ["kikai/default", "darbo/default"], namespace="kikai")

# %% [markdown]
# ## Aside 5 · Ask before you act
#
# You can ask the server whether a call would be allowed, and not make it:
#
# ```
# kubectl auth can-i list services -n kikai \
#   --as=system:serviceaccount:kikai:default
# ```
#
# `--as` is *impersonation*: the administrator asks as somebody else. In Python a caller has `can()`. Whoever is
# authenticated may ask about themselves. The checks of this lab want the call itself.
#
# **Predict** what the server answers, `"yes"` or `"no"`: may the account of `kikai/test` `list services`, and
# `list service` (misspelt)? And may the `admin list service`?

# %% tags=["aside"]
# predict("A5", {"list services": "…", "list service": "…", "admin list service": "…"})
### BEGIN SOLUTION
predict("A5", {"list services": "yes", "list service": "no", "admin list service": "yes"})
### END SOLUTION

# %% tags=["aside"]
lab.prepare("04-roles/W14-namespaces.yaml")
account = lab.as_service_account("kikai/default")
answers(
    ("kikai/default", "list services", account.can("list", "services", "kikai")),
    ("kikai/default", "list service", account.can("list", "service", "kikai")),
    ("admin", "list service", lab.admin.can("list", "service", "kikai")),
)

# %% tags=["aside"]
check("A5")

# %% [markdown]
# The server looks for a rule, and not for the resource. Of what does not exist it says *no* to whoever has named
# resources, and *yes* to whoever has `*`. Neither tells you anything.
#
# A *yes* is about authorization alone: admission may still refuse the object. And `kubectl auth can-i --list` (a
# SelfSubjectRulesReview) may be incomplete. So ask about the one call that you need.

# %% [markdown]
# ## W18 · Add a second subject
#
# The pod of `darbo` shall read the services of `kikai` too. **Your turn:** add its account, `default` of `darbo`, to the
# binding `test`, and keep the first subject. Ways to do it:
#
# - `lab.apply` with the binding once more, and both subjects in its list;
# - `kubectl edit rolebinding test -n …` in a terminal;
# - the official Python client of W4: read the binding, append a subject, replace it. (On a shared
#   cluster `lab.names.namespace("kikai")` is the whole name.)

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
# The subjects may change. May `roleRef`?

# %%
binding = "/apis/rbac.authorization.k8s.io/v1/namespaces/kikai/rolebindings/test"
view = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
lab.admin.patch(binding, {"roleRef": view})

# %% [markdown]
# 422: a binding keeps its role. To bind another one, delete the binding and create it anew. And it names a Role of its
# own namespace or a ClusterRole; a Role of another namespace cannot be bound.

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
# **Your turn:** ask for both, as the pod `darbo/test`. And try to change something in `kikai`: delete a service.

# %%
### BEGIN SOLUTION
from_darbo = lab.as_pod("darbo/test")
display(from_darbo.get("/api/v1/namespaces/kikai/services"))
with expect_forbidden():
    display(from_darbo.delete("/api/v1/namespaces/kikai/services/web"))
with expect_forbidden():
    answer = from_darbo.get("/api/v1/namespaces/darbo/services")
answer
### END SOLUTION

# %%
check("W19")

# %% [markdown]
# A binding grants in its own namespace only, wherever the subject lives. `darbo` has the same role, and there it is bound
# to nobody.
#
# `XRay(answer, lab)` shows what came near to allowing a refused request, and the smallest change that would.

# %% [markdown]
# ## Aside 6 · A group, and whom it means tomorrow
#
# A subject may be a group. Each service account is in three: `system:serviceaccounts:NAMESPACE`,
# `system:serviceaccounts` (those of all namespaces) and `system:authenticated` (people too). The lab's file makes an
# account in each namespace, and binds `service-reader` in `kikai` to the group `system:serviceaccounts:kikai`.
#
# **Predict** who may list the services of `kikai` by that, `"allowed"` or `"forbidden"`: an account `of kikai`,
# one `made later`, one `of darbo`.

# %% tags=["aside"]
# predict("A6", {"of kikai": "…", "made later": "…", "of darbo": "…"})
### BEGIN SOLUTION
predict("A6", {"of kikai": "allowed", "made later": "allowed", "of darbo": "forbidden"})
### END SOLUTION

# %% tags=["aside"]
lab.prepare("04-roles/W14-namespaces.yaml")
lab.apply("04-roles/tryout/W19-aside-group.yaml")
path = "/api/v1/namespaces/kikai/serviceaccounts"
late = lab.admin.post(path, {"metadata": {"name": "late"}})
services = "/api/v1/namespaces/kikai/services"
names = ("kikai/early", "kikai/late", "darbo/other")
table = answers(*[lab.as_service_account(name).get(services) for name in names])
rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/kikai"
gone = lab.admin.delete(f"{rbac}/rolebindings/aside-group")
table

# %% tags=["aside"]
check("A6")

# %% [markdown]
# Whoever may create an account or a pod in `kikai` has the right now. `system:authenticated` is more still: everybody
# who can log in at all. Name the one account that needs the right.

# %% [markdown]
# ## Aside 7 · A binding outlives its account
#
# Tokens go by uid, as you saw in part 3. And bindings? In `kikai` a binding joins the account `guest` of `darbo` to the
# role `guest`, which allows to list services. Somebody deletes the account and the role, and makes new ones of the same
# names. The new role allows to list Secrets.
#
# **Predict** what `guest` may do after that, `"allowed"` or `"forbidden"`: `list services`, `list secrets`.

# %% tags=["aside"]
# predict("A7", {"list services": "…", "list secrets": "…"})
### BEGIN SOLUTION
predict("A7", {"list services": "forbidden", "list secrets": "allowed"})
### END SOLUTION

# %% tags=["aside"]
lab.prepare("04-roles/W14-namespaces.yaml")
lab.apply("04-roles/tryout/W19-aside-guest.yaml")
rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/kikai"
lab.admin.delete("/api/v1/namespaces/darbo/serviceaccounts/guest")
lab.admin.delete(f"{rbac}/roles/guest")
lab.apply("04-roles/tryout/W19-aside-guest-again.yaml")

# %% tags=["aside"]
guest = lab.as_service_account("darbo/guest")
table = answers(
    ("guest", "list services", guest.get("/api/v1/namespaces/kikai/services")),
    ("guest", "list secrets", guest.get("/api/v1/namespaces/kikai/secrets")),
)
gone = lab.admin.delete(f"{rbac}/rolebindings/guest")
table

# %% tags=["aside"]
check("A7")

# %% [markdown]
# A binding knows no uids: it names its subjects and its role. When these are deleted it stays, and waits for the next
# ones of their names. So delete the bindings too.

# %% [markdown]
# ## Aside 11 · The binding does not help. Why?
#
# Somebody wrote a role and a binding, and it does not work. Each learner gets another of four mistakes.

# %% tags=["aside"]
lab.fault("A11")

# %% [markdown]
# **Your turn:** find out why, and mend it. What you add must not allow more than the task says.

# %% tags=["aside"]
### BEGIN SOLUTION
lab.admin.delete("/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings")
lab.admin.delete("/apis/rbac.authorization.k8s.io/v1/namespaces/annex/rolebindings")
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: stock, namespace: shop}
rules: [{apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list"]}]
""")
### END SOLUTION

# %% tags=["aside"]
### BEGIN SOLUTION
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: stock, namespace: shop}
roleRef: {kind: Role, name: stock}
subjects: [{kind: ServiceAccount, name: clerk, namespace: shop}]
""")
### END SOLUTION

# %% tags=["aside"]
check("A11")

# %% [markdown]
# `lab.fault("A11", fresh=True)` draws another of the four.

# %% [markdown]
# ## Five questions on this part
#
# Each comes back after 1, 7 and 30 days, at the beginning of a part: sooner if it was wrong.

# %%
drill(part=4)

# %% [markdown]
# ## How far you are
#
# The board can check a step itself, and give the next hint.

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
# ## For the curious
#
# RBAC is one *authorizer* of several: others are for the kubelets, or ask another server (a *webhook*). They form a
# chain. The first yes or no counts, RBAC says yes or nothing, and if nobody says yes, the answer is 403. **now:** since
# 1.32 (on by default since 1.30) the chain may stand in a file.
#
# The group `system:masters` passes before all of them. A binding names it too, `cluster-admin`, but it needs none:
# deleting that takes nothing away, only the end of the credential does. **now:** since kubeadm 1.29 the user `kubernetes-admin` is in the group
# `kubeadm:cluster-admins` instead, and lives by a binding; `super-admin.conf` still has `system:masters`.

# %% [markdown]
# <details>
# <summary>Rules, exactly: to look up when you need it</summary>
#
# > - A rule allows a request if its API groups, its resources *and* its verbs all have what the request has. Rules
# >   do not mix: a verb of one rule does not count for the resources of another.
# > - `"*"` as a verb, group or resource is any of them, also those that are added later.
# > - Labels play no part: no rule of RBAC says *pods with this label*.
# > - A resource means the object, not what it refers to. Who may get pods may not get the Secrets that they mount.
# > - A change of a role or a binding counts at once (in a real cluster within moments).
#
# </details>

# %% [markdown]
# <details>
# <summary>Names, verbs and trials, exactly</summary>
#
# > - The server compares words. A misspelt resource or verb in a role is no error, and allows nothing.
# > - `get`, `list` and `watch` show whole objects.
# > - A subject may be a `User` or a `Group`, too (`--user=anna`, `--group=ops`). An account is the user
# >   `system:serviceaccount:NAMESPACE:NAME`.
# > - `kubectl apply --dry-run=server` takes the same rights as in earnest and runs admission, and stores nothing.
#
# </details>

# %% [markdown]
# **You have seen:** a role says what, a binding who, and its namespace where. Give the least that does the job.
#
# **Read on:**
# <https://kubernetes.io/docs/reference/access-authn-authz/authorization/>,
# <https://kubernetes.io/docs/reference/access-authn-authz/rbac/>
#
# **Alone:** [exercise 4](exercises/ex4-roles.ipynb) asks for the same with other names.
# **Next:** [Cluster roles and cluster role bindings](05-cluster-roles.ipynb)
