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
# # Authentication and service accounts
#
# *How a process in a pod says who it is.*
#
# **In this lab you will** see how the server finds out who is asking, make an account of
# your own, run a pod as that account, and take two of its tokens apart, claim by claim.
# Time: about 34 minutes.
#
# ![You are here: authentication, the third of six stations, and with one glance admission, the
# fifth. Before them: you ask, TLS. Between them: authorization. After them: etcd, which stores
# the objects.](pictures/request-authentication-admission.svg)

# %%
from labkit import Lab, check, drill, expect_forbidden, hint, predict, solution

lab = Lab()
lab.prepare("02-inside-a-pod")

# %% [markdown]
# `prepare` makes what part 2 would have left behind, where it is missing: the pod `curl`.
# It never touches what is there.

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
# They are about the parts before: first those that are due. A wrong answer costs nothing. It comes back tomorrow.

# %%
drill(before=3)

# %% [markdown]
# ## W9 · Who is asking?
#
# *Authentication* is finding out who is asking. The API server has several plugins for it,
# and the first that recognises the credential decides: client certificates, tokens of
# service accounts, tokens of a company's login. All of them end in the same things: a
# user name, groups, perhaps a uid and a few extra facts. Each plugin that accepts a credential adds the group
# `system:authenticated`. Ask the server whom it takes you for:

# %%
you = lab.admin.whoami()
you.user, you.groups, you.extra

# %% [markdown]
# People are not objects in Kubernetes: there is no list of users. Programs are. A
# *service account* is an object in a namespace, and it is how a process in a pod says who
# it is. Many pods may share one; give them different accounts, and you can control them
# apart.
#
# **Predict:** the pod `curl` of part 2 names no account in its manifest. What is the name
# of the account it runs as? When you have predicted, look at all accounts, and at the pod.

# %%
# predict("W9", "…")
### BEGIN SOLUTION
predict("W9", "default")
### END SOLUTION

# %%
lab.admin.get("/api/v1/serviceaccounts")

# %%
pod = lab.admin.get("/api/v1/namespaces/default/pods/curl")
pod.body["spec"]["serviceAccountName"], pod.body["spec"]["volumes"][0]

# %%
check("W9")

# %% [markdown]
# Nobody wrote those lines into the manifest. When the pod was created, an *admission*
# plugin filled in the namespace's `default` account, and a volume with three sources:
# a token, the CA, the namespace. That is where the three files of W8 come from.
#
# Nobody made the account either. Each namespace gets its account `default` by itself, from a
# controller, as soon as the namespace is there. Whoever deletes it, finds a new one.
#
# And how does the server know that a token is real? By its signature. Here is a token of
# the account `default`, taken apart. Tamper with it, and see where the verification fails.

# %%
from labkit.ui import TokenInspector

TokenInspector(lab, lab.token("default/default"))

# %% [markdown]
# **now:** since 1.34 a file tells the server from which logins it takes tokens
# (`AuthenticationConfiguration`). There may be several issuers, and for each a rule that makes user name and groups
# out of the claims. The server reads the file again when it changes.
#
# In a client certificate that the cluster's CA signed, `CN` is the user name, and each `O` is a group.
# Here too others can sign what they like. Make a CA of your own, and let it sign that you are
# `kubernetes-admin` of the group `system:masters`: the server takes no notice of the name, and
# answers **401**. It does so even for `/version`, which it tells anybody who shows nothing at
# all. A credential that fails is worse than none.

# %% [markdown]
# ## Aside 3 · Which station said 403?
#
#
# Admission can do more than fill in. It can refuse, also what authorization has allowed. Two examples: *Pod
# Security* refuses pods that a namespace does not want, and a *quota* refuses more objects than a namespace may have.
# Both answer 403, like authorization. Admission also refuses a pod whose account is not there: a pod runs as an account
# of its own namespace. Pod Security refuses only pods: a deployment of such pods is stored, and its pods are refused
# when they are made. The lab's file makes a namespace that wants restricted pods only, and no config map.
#
# **Predict** who says 403 to these three, `"authorization"` or `"admission"`: `a stranger` who lists pods there;
# the administrator with `a privileged pod`; the administrator with `one config map too many`.

# %% tags=["aside"]
# predict("A3", {"a stranger": "…", "a privileged pod": "…", "one config map too many": "…"})
### BEGIN SOLUTION
guesses = {"a stranger": "authorization", "a privileged pod": "admission"}
predict("A3", guesses | {"one config map too many": "admission"})
### END SOLUTION

# %% tags=["aside"]
lab.apply("03-service-accounts/tryout/W09-aside-strict.yaml")
space = "/api/v1/namespaces/aside-strict"
containers = [{"name": "c", "image": "ubuntu", "securityContext": {"privileged": True}}]
privileged = {"metadata": {"name": "p"}, "spec": {"containers": containers}}
refusals = (
    lab.as_anonymous().get(f"{space}/pods"),
    lab.admin.post(f"{space}/pods", privileged),
    lab.admin.post(f"{space}/configmaps", {"metadata": {"name": "c"}}),
)
[answer.message for answer in refusals]

# %% tags=["aside"]
lab.admin.delete(space).status

# %% tags=["aside"]
check("A3")

# %% [markdown]
# Read how they differ. Authorization says *User … cannot VERB resource …*: give a right, and it passes. Admission says
# what is wrong with the object: `violates PodSecurity`, `exceeded quota`. No right helps there, not even the
# administrator's. A third 403, *is attempting to grant RBAC permissions not currently held*, comes in part 5.
#
# Admission looks at what changes objects (create, update, delete) and at connections into pods (exec, attach,
# port-forward, proxy). It does not look at get, list and watch.

# %% [markdown]
# ## W10 · Create an account of your own
#
# All pods of a namespace that name no account share `default`, and every right given to
# it. So programs that need rights get an account of their own. Ours is called `kikai`, in
# the namespace `default`.
#
# **Predict**, `"yes"` or `"no"`: does a Secret with its token appear by itself?

# %%
# predict("W10", "…")
### BEGIN SOLUTION
predict("W10", "no")
### END SOLUTION

# %% [markdown]
# **Your turn:** create it: apiVersion `v1`, kind `ServiceAccount`, and a name. The lab's file is
# `"03-service-accounts/W10-serviceaccount-kikai.yaml"`; with kubectl it is
# `kubectl create serviceaccount kikai`.

# %%
# lab.apply("""…""")
### BEGIN SOLUTION
lab.apply("03-service-accounts/W10-serviceaccount-kikai.yaml")
### END SOLUTION

# %%
lab.admin.get("/api/v1/namespaces/default/secrets")

# %%
check("W10")

# %% [markdown]
# **now:** up to Kubernetes 1.23 a token Secret was made for every account as it was
# created, and up to 1.20 pods mounted that very Secret. Such a token never expires, and
# whoever can read Secrets can take it. Since 1.24 none is made. One asks for a token
# instead (a *TokenRequest*, `kubectl create token kikai`), and gets one that expires. Since 1.30 the Secrets that
# were made automatically in old times are cleaned up: one that no pod mounts and that nobody has used for a year is
# marked invalid, and a year later it is deleted. Secrets that somebody made by hand stay.
#
# **Your turn:** ask for one. `lab.token` takes `"NAMESPACE/ACCOUNT"`, and shows the token's parts.

# %%
# lab.token("…")
### BEGIN SOLUTION
lab.token("default/kikai")
### END SOLUTION

# %% [markdown]
# A token is three parts: a header, claims that anyone can read, and a signature that only
# the cluster's key can make. The lab never shows the signature: who has it, has the token.
#
# The old kind can still be made by hand, as a Secret with an annotation that names the account.
# **Your turn:** apply it, as YAML text or as the lab's file
# `"03-service-accounts/tryout/W10-secret-kikai-token.yaml"`.
#
# ```
# apiVersion: v1
# kind: Secret
# type: kubernetes.io/service-account-token
# metadata:
#   name: kikai-token
#   annotations:
#     kubernetes.io/service-account.name: kikai
# ```

# %%
# lab.apply("…")
### BEGIN SOLUTION
lab.apply("03-service-accounts/tryout/W10-secret-kikai-token.yaml")
### END SOLUTION

# %% [markdown]
# Nobody wrote a token into it, and there is one: a controller put it there. Its claims
# look different. Which one is missing that matters most?
#
# **Your turn:** get the Secret, and give its token to `lab.token(…)`. It is the value `token` in
# the Secret's `data`, in base64.

# %%
### BEGIN SOLUTION
from base64 import b64decode

secret = lab.admin.get("/api/v1/namespaces/default/secrets/kikai-token")
lab.token(b64decode(secret.body["data"]["token"]).decode())
### END SOLUTION

# %% [markdown]
# There is no `exp`: it is valid until somebody deletes the Secret or the account. So delete the Secret, and
# the token is dead.

# %%
lab.admin.delete("/api/v1/namespaces/default/secrets/kikai-token")

# %% [markdown]
# ## W11 · Run a pod as kikai, with an ambassador
#
# `spec.serviceAccountName` says whom a pod runs as. This pod has a second container, an
# *ambassador*: it runs `kubectl proxy`, and since containers of one pod share `localhost`,
# the first one can call the API at `localhost:8001` and needs neither TLS nor token.
#
# ```
# apiVersion: v1
# kind: Pod
# metadata:
#   name: curl-custom-sa
# spec:
#   serviceAccountName: kikai
#   containers:
#   - name: main
#     image: ubuntu
#     command: ["sleep", "9999999"]
#   - name: ambassador
#     image: luksa/kubectl-proxy:1.6.2
# ```

# %% [markdown]
# **now:** the ambassador's image comes from a book of 2018. It holds kubectl 1.6 of 2017 and is no
# longer maintained, so where pods really run, the lab plays it with a current image that
# runs `kubectl proxy`, and says so as it applies the file. What you learn is the same.
#
# **Your turn:** create the pod, from your own YAML or from the lab's file
# `"03-service-accounts/W11-pod-curl-custom-sa.yaml"`, and wait until it runs.

# %%
# lab.apply("…")
# lab.wait("default/curl-custom-sa")
### BEGIN SOLUTION
lab.apply("03-service-accounts/W11-pod-curl-custom-sa.yaml")
lab.wait("default/curl-custom-sa")
### END SOLUTION

# %%
lab.kubectl("get pods")

# %%
check("W11")

# %% [markdown]
# ## W12 · Compare two tokens of one account
#
# The pod has a token of `kikai` mounted. You can ask for another one of `kikai` yourself.
#
# **Predict** for this cluster: `"identical"` or `"different"`?

# %%
# predict("W12", "…")
### BEGIN SOLUTION
predict("W12", "different")
### END SOLUTION

# %% [markdown]
# **Your turn:** read both, and compare them. `lab.pod_token` takes a pod and reads the token
# mounted in it, `lab.token` takes an account and asks for a new one. A token has a method `compare`.

# %%
# mounted = lab.pod_token("…")
# own = lab.token("…")
# mounted.compare(own)
### BEGIN SOLUTION
mounted = lab.pod_token("default/curl-custom-sa")
own = lab.token("default/kikai")
comparison = mounted.compare(own)
comparison
### END SOLUTION

# %% [markdown]
# Read it claim by claim. Some are about the *account*, and those are the same. Some are
# about *this one token*, and those differ.
#
# **Your turn:** record the claims that are the same in both, as a list of names, with
# `lab.record("W12", [...])`: who issued it (`iss`), whom it is about (`sub`), and what else you
# find. (`iat` and `nbf` may agree by accident, when both tokens were made in the same second.)

# %%
# lab.record("W12", ["iss", …])
### BEGIN SOLUTION
lab.record("W12", list(comparison.same))
### END SOLUTION

# %%
check("W12")

# %% [markdown]
# `TokenInspector(lab, mounted, own)` shows both side by side, with what each claim means and
# how long each token still lives.
#
# One of the claims says for whom a token is meant: `aud`, its *audience*. Here that is the API
# server. A program can ask for a token that is meant for another server instead
# (`spec.audiences` of the TokenRequest, `kubectl create token kikai --audience=…`). That server
# learns from it who the program is, and the API server answers it with 401. So whoever is shown
# such a token can do nothing with it here.
#
# The same request says how long the token shall live (`spec.expirationSeconds`, `--duration=…`), and what
# it shall die with (`spec.boundObjectRef`, say, a pod). The exercises will ask for all three.
#
# **now:** three different worlds, all called “the token of a service account”:
#
# | Kubernetes | what pods mount | compared with the account's own |
# |---|---|---|
# | up to 1.20 | the account's token Secret | identical |
# | 1.21 to 1.23 | a token made for the pod | different; the Secret still exists |
# | since 1.24 | a token made for the pod | different; there is no Secret |

# %% [markdown]
# **now:** since 1.32 (by default since 1.30) each token that the server issues has a number of its own, `jti`. The
# audit log notes it for each request, as the user's extra fact `authentication.kubernetes.io/credential-id`. So one
# finds all that was done with one token. Since 1.36 a signer outside the API server may sign the tokens. And since
# 1.37 a pod can get a certificate of its own beside the token (`podCertificate`, a projected volume), and the CAs to
# trust from objects (`ClusterTrustBundle`). The cluster built into labkit is 1.36 and has neither.
#
# A mounted token is *bound*: it names its pod (since 1.30 its node as well), and it is worthless
# as soon as the pod is gone. The node asks for one that lasts an hour and replaces it in time; programs
# should read the file again now and then. For those that do not, the server sets `exp` a
# year ahead, and notes in `warnafter` when the hour is over.
#
# To see the first of these worlds, start the built-in cluster once as it was then, in a terminal.
# The last line makes account and pod anew: those that are there keep what they were given.
#
# ```
# labkit down
# labkit up --era 1.20
# labkit reset --to W12
# ```
#
# Now the account's own token is the one in its Secret. List the Secrets, compare the mounted
# token with that one (as you read a Secret in W10), and this step passes with `"identical"`.
# The way back: `labkit down`, `labkit up`, `labkit reset --to W13`.

# %% [markdown]
# ## W13 · Call as kikai
#
# Now use the ambassador. You will call `localhost:8001` in the container `main`: plain HTTP, no
# token, no CA.
#
# **Predict** the user name that the API server sees.

# %%
# predict("W13", "system:serviceaccount:…")
### BEGIN SOLUTION
predict("W13", "system:serviceaccount:default:kikai")
### END SOLUTION

# %% [markdown]
# **Your turn:** the container `main` has no curl yet. Install it, as in W7.

# %%
# lab.exec("default/curl-custom-sa", "…", container="main")
### BEGIN SOLUTION
install = "which curl || (apt-get update && apt-get install -y curl)"
lab.exec("default/curl-custom-sa", install, container="main")
### END SOLUTION

# %% [markdown]
# **Your turn:** call `localhost:8001` from there, with `lab.exec` or at the prompt below the cell.

# %%
### BEGIN SOLUTION
lab.exec("default/curl-custom-sa", "curl -s localhost:8001", container="main")
### END SOLUTION

# %% tags=["widget"]
PodTerminal(lab, "default/curl-custom-sa", "main")

# %% [markdown]
# The refusal names the user. What every authenticated user may see, `kikai` may see too.
#
# **Your turn:** `/api` is one of these. Ask for it in the same way.

# %%
### BEGIN SOLUTION
lab.exec("default/curl-custom-sa", "curl -s localhost:8001/api", container="main")
### END SOLUTION

# %%
check("W13")

# %% [markdown]
# ## Aside 4 · An account made again
#
#
# An account has a name, and a *uid*: a number that no other object ever had. Somebody deletes the account `again`, and
# makes a new one with the same name. **Predict**: what does the server say to `the old token`, and to `a new token`?
# Each `"allowed"`, `"forbidden"` or `"unauthorized"`.

# %% tags=["aside"]
# predict("A4", {"the old token": "…", "a new token": "…"})
### BEGIN SOLUTION
predict("A4", {"the old token": "unauthorized", "a new token": "allowed"})
### END SOLUTION

# %% tags=["aside"]
accounts = "/api/v1/namespaces/default/serviceaccounts"
lab.admin.post(accounts, {"metadata": {"name": "again"}})
old = lab.as_service_account("default/again")
old.get("/api").status, lab.admin.delete(f"{accounts}/again").status

# %% tags=["aside"]
lab.admin.post(accounts, {"metadata": {"name": "again"}})
new = lab.as_service_account("default/again")
answers = (old.get("/api"), new.get("/api"))
lab.admin.delete(f"{accounts}/again")
[(answer.status, answer.message) for answer in answers]

# %% tags=["aside"]
check("A4")

# %% [markdown]
# A token names the account's uid, and the server compares it. The old token is dead as soon as its account is deleted,
# and stays dead. The same holds for a pod's token: it names the pod's uid as well.
#
# (`/api` is open to whoever is authenticated. So here 200 means: the token is good.)

# %% [markdown]
# ## Five questions on this part
#
# Each comes back after 1, 7 and 30 days, at the beginning of a part: sooner if it was wrong.

# %%
drill(part=3)

# %% [markdown]
# ## How far you are
#
# The board follows your checks. It can check a step itself, and give the next hint.

# %% tags=["widget"]
Board(lab, "03-service-accounts")

# %% [markdown]
# ## Explain it in your words
#
# **Two pods run as the same account. What do they share, what does each have for itself, and
# what happens to each when one of the pods is deleted?** Write in the cell below, then compare.

# %% [markdown]
# *Double-click here, and write.*

# %% [markdown]
# <details>
# <summary>A model answer</summary>
#
# > They share the user name that the server sees, and so every right that anybody gives to the
# > account. Each has a token of its own, which names its pod and expires. When one pod is deleted,
# > its token is worth nothing any more; the other pod, its token and the account stay as they are.
# > (Up to 1.20 both mounted one and the same token, which was valid until its Secret was deleted.)
#
# </details>

# %% [markdown]
# **You have seen:** an account that you made yourself works like `default`. The server
# knows who is asking; whether they *may* is another question, and nobody has given `kikai`
# any right yet. That is part 4.
#
# **Read on:**
# <https://kubernetes.io/docs/concepts/security/service-accounts/>,
# <https://kubernetes.io/docs/reference/access-authn-authz/authentication/>,
# <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/>
#
# **Next:** [Roles and role bindings](04-roles.ipynb)
