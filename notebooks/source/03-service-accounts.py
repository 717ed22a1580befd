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
# your own, run a pod as that account, and take two of its tokens apart.
# Time: about 34 minutes.
#
# ![You are here: authentication, the third of six stations, and with one glance admission, the
# fifth. Before them: you ask, TLS. Between them: authorization. After them: etcd, which stores
# the objects.](pictures/request-authentication-admission.svg)

# %%
from labkit import Lab, answers, check, drill, hint, predict, solution

lab = Lab()
lab.prepare("02-inside-a-pod")

# %% [markdown]
# `prepare` makes what part 2 left behind, where it is missing.
#
# After a restart of the kernel: select the cell where you were, then *Run → Run All Above Selected Cell*.

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
# *Authentication* finds out who is asking. The server has several plugins for it, and the first that recognises the
# credential decides. All of them end in the same things: a user name, groups (sets of users), perhaps a uid. Whoever is
# recognised is in the group `system:authenticated`.
#
# A client certificate of the cluster's CA names its owner in two fields, `CN` and `O`. **Guess first:** the lab's
# administrator has one with `CN=kubernetes-admin` and `O=system:masters`. Which is the user, and which a group?

# %%
lab.admin.whoami()

# %% [markdown]
# `CN` is the user name, and each `O` a group.
#
# **now:** kubeadm, an installer that kind uses too, makes this certificate differently since 1.29. Its
# `kubernetes-admin` is in the group `kubeadm:cluster-admins`, which has its rights from a binding.
#
# People are not objects: there is no list of users. Programs are. A service account is an object in a namespace, and many
# pods may share one. Give them different accounts, and you can control them apart.
#
# **Predict:** the pod `curl` is in the namespace `default`, and runs as an account called `default`. A pod in `kube-system`
# names no account either. What is its account called? Then look at all accounts, and at the pod.

# %%
# predict("W9", "…")
### BEGIN SOLUTION
predict("W9", "default")
### END SOLUTION

# %%
lab.admin.get("/api/v1/serviceaccounts")

# %%
pod = lab.admin.get("/api/v1/namespaces/default/pods/curl")
pod.body["spec"]["serviceAccountName"]
pod.body["spec"]["volumes"][0]

# %%
check("W9")

# %% [markdown]
# Each namespace has its `default`: a *controller*, a program that makes what objects ask for, keeps one in each.
#
# Nobody wrote the account into the pod. When the pod was created, an *admission* plugin filled it in, and a volume
# with a token, the CA and the namespace: the three files of W8.
#
# How does the server know that a token is real? By its signature. Tamper with this one, and see where it fails:

# %%
from labkit.ui import TokenInspector

TokenInspector(lab, lab.token("default/default"))

# %% [markdown]
# A failed credential is worse than none. **Guess first:** a stranger may read `/version`. May the bearer of a
# made-up token?

# %%
answers(lab.as_anonymous().get("/version"), lab.as_token("made-up").get("/version"))

# %% [markdown]
# It is the same with a certificate of another CA: whatever name and group it has, the server answers 401.

# %% [markdown]
# ## Aside 3 · Which station said 403?
#
#
# Admission also refuses what authorization has allowed. Two examples: *Pod Security* refuses pods that a namespace does
# not want, and a *quota* refuses more objects than a namespace may have. Both say 403 too. The lab's file makes a
# namespace that wants restricted pods only, and no *config map* (an object with settings for programs).
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
stranger = lab.as_anonymous()
containers = [{"name": "c", "image": lab.image, "securityContext": {"privileged": True}}]
privileged = {"metadata": {"name": "p"}, "spec": {"containers": containers}}
answers(
    ("stranger", "list pods", stranger.get(f"{space}/pods").message),
    ("admin", "a privileged pod", lab.admin.post(f"{space}/pods", privileged).message),
    ("admin", "a config map", lab.admin.post(f"{space}/configmaps", {"metadata": {"name": "c"}}).message),
)

# %% tags=["aside"]
lab.admin.delete(space).status

# %% tags=["aside"]
check("A3")

# %% [markdown]
# Authorization says *User … cannot VERB resource …*: give a right, and it passes. Admission says what is wrong with
# the object: `violates PodSecurity`, `exceeded quota`. No right helps there. (Part 5 has a third 403.)
#
# Admission looks at what changes objects and at connections into pods, and not at get, list and watch. Pod Security
# looks at pods only: what makes pods, such as a *deployment*, is stored, and its pods are refused later. What a namespace
# wants stands in its labels, so whoever may patch it can switch that off.

# %% [markdown]
# ## W10 · Create an account of your own
#
# All pods of a namespace that name no account share `default`, and every right given to it. So programs that need rights
# get an account of their own. Ours is `kikai`, in the namespace `default`.
#
# **Predict**, `"yes"` or `"no"`: does a Secret with its token appear by itself?

# %%
# predict("W10", "…")
### BEGIN SOLUTION
predict("W10", "no")
### END SOLUTION

# %% [markdown]
# **Your turn:** create it: apiVersion `v1`, kind `ServiceAccount`, and a name. (With kubectl it is
# `kubectl create serviceaccount kikai`.)

# %%
# lab.apply("""…""")
### BEGIN SOLUTION
lab.apply("""
apiVersion: v1
kind: ServiceAccount
metadata: {name: kikai, namespace: default}
""")
### END SOLUTION

# %%
lab.admin.get("/api/v1/namespaces/default/secrets")

# %%
check("W10")

# %% [markdown]
# **now:** up to 1.23 a token Secret was made for every account, and up to 1.20 pods mounted that very Secret. Such a token
# never expires, and whoever can read Secrets can take it. Since 1.26 (on by default since 1.24) none is made. One asks for
# a token instead (a *TokenRequest*, `kubectl create token kikai`), and gets one that expires.
#
# **Your turn:** ask for one. `lab.token` takes `"NAMESPACE/ACCOUNT"`, and shows the token's parts.

# %%
# lab.token("…")
### BEGIN SOLUTION
lab.token("default/kikai")
### END SOLUTION

# %% [markdown]
# A token has three parts: a header, *claims* that anyone can read, and a signature that only the cluster's key can make.
# The lab never shows the signature: who has it has the token.
#
# The old kind can still be made by hand, as a Secret with an annotation (a note on an object) that names the account.
# **Your turn:** apply it, as YAML or as the lab's file `"03-service-accounts/tryout/W10-secret-kikai-token.yaml"`.
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
# A controller has put a token into it. Which of the claims is missing that matters most?
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
# There is no `exp`: it is valid until somebody deletes the Secret or the account. So delete the Secret.

# %%
lab.admin.delete("/api/v1/namespaces/default/secrets/kikai-token")

# %% [markdown]
# ## W11 · Run a pod as kikai, with an ambassador
#
# `spec.serviceAccountName` says whom a pod runs as. This pod has a second container, an *ambassador* that runs
# `kubectl proxy`. Containers of one pod share `localhost`, so the first one can call it at `localhost:8001`.
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
# **now:** the ambassador's image is from a book of 2018, holds kubectl 1.6, and is not maintained. Where pods really run,
# the lab plays it with a current image, and says so.
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
# A pod that names an account which does not exist is refused when it is created, by admission.

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
# **Your turn:** read both. `lab.pod_token` takes a pod and reads the token that is mounted in it, `lab.token` takes an
# account and asks for a new one. Show each, and compare their claims.

# %%
# mounted = lab.pod_token("…")
# own = lab.token("…")
# display(mounted, own)
### BEGIN SOLUTION
mounted = lab.pod_token("default/curl-custom-sa")
own = lab.token("default/kikai")
display(mounted, own)
### END SOLUTION

# %% [markdown]
# Some claims are about the *account*, and those are the same. Some are about *this one token*, and those differ.
# (`iat` and `nbf` may agree by accident.)
#
# **Your turn:** which claim of the mounted token says what? Record the name of one claim for each question.

# %%
# claims = {"who issued it": "…", "whom it is about": "…", "whom it is meant for": "…"}
# lab.record("W12", claims | {"when it ends": "…", "which pod has it": "kubernetes.io.…"})
### BEGIN SOLUTION
claims = {"who issued it": "iss", "whom it is about": "sub", "whom it is meant for": "aud"}
lab.record("W12", claims | {"when it ends": "exp", "which pod has it": "kubernetes.io.pod.name"})
### END SOLUTION

# %%
check("W12")

# %% [markdown]
# Compare your list with the lab's: `mounted.compare(own)`. In `TokenInspector(lab, mounted, own)` you see what each
# claim means.
#
# `aud` says for whom a token is meant, its *audience*: here the API server. **Guess first:** what does the API server say
# to a token that is meant for another server? **Your turn:** ask for one for `https://shop.example`, and try.

# %%
# account = "/api/v1/namespaces/default/serviceaccounts/kikai"
# asked = lab.admin.post(f"{account}/token", {"spec": {"audiences": ["…"]}})
# lab.as_token(asked.body["status"]["token"]).get("/api")
### BEGIN SOLUTION
account = "/api/v1/namespaces/default/serviceaccounts/kikai"
asked = lab.admin.post(f"{account}/token", {"spec": {"audiences": ["https://shop.example"]}})
lab.as_token(asked.body["status"]["token"]).get("/api")
### END SOLUTION

# %% [markdown]
# 401. The shop learns from such a token who the program is, and can do nothing with it here.
#
# **now:** three different worlds, all called “the token of a service account”:
#
# | Kubernetes | what pods mount | compared with the account's own |
# |---|---|---|
# | up to 1.20 | the account's token Secret | identical |
# | 1.21 to 1.23 | a token made for the pod | different; the Secret still exists |
# | 1.24 and later | a token made for the pod | different; there is no Secret |
#
# A mounted token is *bound*: it names its pod, and is worth nothing as soon as the pod is gone. The node asks for it, and
# replaces it within the hour, so programs should read the file again now and then.

# %% [markdown]
# ## W13 · Call as kikai
#
# You will call `localhost:8001` in the container `main`: plain HTTP, no token, no CA.
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
# **Your turn:** every authenticated user may see `/api`, and so may `kikai`. Ask for it in the same way.

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
# An account has a name, and a *uid*, a number that no other object ever had. Somebody deletes the account `again`, and
# makes a new one of the same name. **Predict** what the server says to `the old token`, and to `a new token`:
# each `"allowed"`, `"forbidden"` or `"unauthorized"`.

# %% tags=["aside"]
# predict("A4", {"the old token": "…", "a new token": "…"})
### BEGIN SOLUTION
predict("A4", {"the old token": "unauthorized", "a new token": "allowed"})
### END SOLUTION

# %% tags=["aside"]
accounts = "/api/v1/namespaces/default/serviceaccounts"
lab.admin.post(accounts, {"metadata": {"name": "again"}})
old = lab.as_service_account("default/again")
old.get("/api")
lab.admin.delete(f"{accounts}/again")

# %% tags=["aside"]
lab.admin.post(accounts, {"metadata": {"name": "again"}})
new = lab.as_service_account("default/again")
answers(
    ("the old token", "/api", old.get("/api")),
    ("a new token", "/api", new.get("/api")),
)

# %% tags=["aside"]
lab.admin.delete(f"{accounts}/again").status

# %% tags=["aside"]
check("A4")

# %% [markdown]
# A token names its account's uid (and its pod's), and the server compares it. The old token is dead as soon as the account
# is deleted, and stays dead. (`/api` is open to whoever is authenticated: 200 means that the token is good.)

# %% [markdown]
# ## Aside 10 · The program is refused. Why?
#
# Something that worked last week does not work today. All that you have is the refusal, and the cluster.

# %% tags=["aside"]
lab.fault("A10")

# %% [markdown]
# **Your turn:** find out why, and mend it. A pod's account cannot be changed: delete the pod, and create it again. (A
# deployment does so itself when you change its pod template.)

# %% tags=["aside"]
### BEGIN SOLUTION
lab.admin.delete("/api/v1/namespaces/shop/pods/desk")
lab.apply("""
apiVersion: v1
kind: Pod
metadata: {name: desk, namespace: shop}
spec:
  serviceAccountName: clerk
  containers: [{name: main, image: luksa/kubectl-proxy}]
""")
lab.wait("shop/desk")
### END SOLUTION

# %% tags=["aside"]
check("A10")

# %% [markdown]
# `lab.fault("A10", fresh=True)` breaks it in another way.

# %% [markdown]
# ## Five questions on this part
#
# Each comes back after 1, 7 and 30 days, at the beginning of a part: sooner if it was wrong.

# %%
drill(part=3)

# %% [markdown]
# ## How far you are
#
# The board follows your checks, and gives hints.

# %% tags=["widget"]
Board(lab, "03-service-accounts")

# %% [markdown]
# ## Explain it in your words
#
# **Two pods run as the same account. What do they share, what does each have for itself, and
# what happens to each when one of the pods is deleted?** Write, then compare.

# %% [markdown]
# *Double-click here, and write.*

# %% [markdown]
# <details>
# <summary>A model answer</summary>
#
# > They share the user name, and so every right that anybody gives to the account. Each has a token of its own,
# > which names its pod and expires. When one pod is deleted, its token is worth nothing any more. The other pod, its token
# > and the account stay as they are.
#
# </details>

# %% [markdown]
# <details>
# <summary>For the curious: the world of 1.20</summary>
#
# Start the built-in cluster once as it was then, in a terminal. The last line makes account and pod anew.
#
# ```
# labkit down
# labkit up --era 1.20
# labkit reset --to W12
# ```
#
# Now the account's own token is the one in its Secret. Compare the mounted token with that one, as in
# W10, and W12 passes with `"identical"`. The way back: `labkit down`, `labkit up`, `labkit reset --to W13`.
#
# **now:** since 1.30 (on by default since 1.29) Secrets that were made automatically in old times are cleaned
# up: if no pod mounts one and nobody has used it for a year, it is marked invalid, and deleted a year later.
#
# </details>

# %% [markdown]
# <details>
# <summary>For the curious: what else is new about tokens and logins</summary>
#
# **now:** since 1.32 (on by default since 1.30) a mounted token names its node too, and each token has a number, `jti`, which
# the audit log has for each request. Since 1.36 (on by default since 1.34) a signer outside the API server may sign tokens.
# Since 1.37 a pod can get a certificate (`podCertificate`), and CAs to trust (`ClusterTrustBundle`).
#
# A mounted token's `exp` is a year ahead, for programs that never read the file again; `warnafter` says when the hour is over.
#
# **now:** since 1.34 (on by default since 1.30) a file may say from which logins a server takes tokens
# (`AuthenticationConfiguration`).
#
# </details>

# %% [markdown]
# **You have seen:** the server knows who is asking. Whether they *may* is another question: nobody has given
# `kikai` any right yet. That is part 4.
#
# **Read on:**
# <https://kubernetes.io/docs/concepts/security/service-accounts/>,
# <https://kubernetes.io/docs/reference/access-authn-authz/authentication/>,
# <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/>
#
# **Alone:** [exercise 3](exercises/ex3-service-accounts.ipynb) asks for the same with other names.
# **Next:** [Roles and role bindings](04-roles.ipynb)
