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
# # The API from inside a pod
#
# *What a container is given, so that it can talk to the cluster it runs in.*
#
# **In this lab you will** start a pod, look for the API server from within, get past TLS
# with a file that lies ready there, and find out that the pod has had a credential all
# along. Time: about 23 minutes.
#
# ![You are here: TLS and authentication, the second and the third of six stations, this time
# from inside the cluster. Before them: you ask. After them: authorization, admission, and etcd,
# which stores the objects.](pictures/request-tls-authentication.svg)

# %%
from labkit import Lab, check, expect_forbidden, hint, predict, recall, solution

lab = Lab()

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
# They are about part 1. Write the letter that you choose between the quotes, and run the
# cell. Nothing is counted: a wrong one tells you what to think of.
#
# **2.1** What three things does a kubeconfig name?
# * a: the server's address, the CA to trust, a credential
# * b: the server's address, a role, a namespace
# * c: a namespace, a user name, a context

# %%
recall("2.1", "")

# %% [markdown]
# **2.2** No token, and a token that is none: which answer to which?
# * a: no token 401, a false one 403
# * b: no token 403, a false one 401
# * c: both 403

# %%
recall("2.2", "")

# %% [markdown]
# **2.3** A program calls your proxy without any credential. Whom does the server see?
# * a: the program
# * b: nobody: `system:anonymous`
# * c: you

# %%
recall("2.3", "")

# %% [markdown]
# ## W5 · Create the pod curl
#
# Programs in pods often need the API: a controller, an operator, a job that looks for its
# peers. We put ourselves in the place of such a program. This is the pod, with one
# container that does nothing but wait for us:
#
# ```
# apiVersion: v1
# kind: Pod
# metadata:
#   name: curl
# spec:
#   containers:
#   - name: main
#     image: ubuntu
#     command: ["sleep", "9999999"]
# ```

# %% [markdown]
# **Your turn:** create it, in any way you like. `lab.apply` takes YAML text in triple quotes, or the name
# of a file: your own, or one that the lab brings, such as `"02-inside-a-pod/W05-pod-curl.yaml"`.
# `kubectl apply -f` in a terminal does as well. `lab.wait("default/curl")` waits until it runs.

# %%
# lab.apply("…")
# lab.wait("default/curl")
### BEGIN SOLUTION
lab.apply("02-inside-a-pod/W05-pod-curl.yaml")
lab.wait("default/curl")
### END SOLUTION

# %%
lab.kubectl("get pods")

# %%
check("W5")

# %% [markdown]
# ## W6 · Find the API server from inside
#
# From here on you type commands into the pod, as `kubectl exec` does:
# `lab.exec("default/curl", "env")` runs `env` in its container. In a terminal,
# `labkit exec curl` opens a shell there.
#
# The container does not know your kubeconfig. But Kubernetes tells every container the
# address of the API server, in environment variables that begin with
# `KUBERNETES_SERVICE`. **Your turn:** look at them.

# %%
# lab.exec("default/curl", "env | grep …")
### BEGIN SOLUTION
lab.exec("default/curl", "env | grep KUBERNETES_SERVICE")
### END SOLUTION

# %% [markdown]
# Where does that address come from? From a Service called `kubernetes`, which every
# cluster has in the namespace `default`. A Service is a stable address for something that
# may move; its name is also a DNS name, so `https://kubernetes` finds it too (from another
# namespace than `default` it is `https://kubernetes.default`).

# %%
service = lab.admin.get("/api/v1/namespaces/default/services/kubernetes")
service.body["spec"]["clusterIP"], service.body["spec"]["ports"]

# %% [markdown]
# **Your turn:** record host and port as they are seen *inside* the pod, with
# `lab.record("W6", "HOST:PORT")`. They are not those of W1: this address exists in the cluster's
# own network only.

# %%
# lab.record("W6", "host:port")
### BEGIN SOLUTION
found = lab.exec("default/curl", "echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT")
lab.record("W6", found.stdout.strip())
### END SOLUTION

# %%
check("W6")

# %% [markdown]
# To look around freely, type into the pod itself. Each line is one `exec`, and the arrow
# keys bring back what you typed before.

# %%
from labkit.ui import PodTerminal

PodTerminal(lab, "default/curl")

# %% [markdown]
# ## W7 · Trust the server
#
# Time to call. The image `ubuntu` brings no `curl`, so you install it first. In
# the built-in cluster the pod's shell plays this; in a real one it needs the internet,
# and the lab's own image has curl already.
#
# **Your turn:** run this in the pod, unless `which curl` finds it there:
# `apt-get update && apt-get install -y curl`.

# %%
# lab.exec("default/curl", "…")
### BEGIN SOLUTION
lab.exec("default/curl", "which curl || (apt-get update && apt-get install -y curl)")
### END SOLUTION

# %% [markdown]
# You are about to call `https://kubernetes` twice: once just so, once with the cluster's
# CA, which lies in the pod as
# `/var/run/secrets/kubernetes.io/serviceaccount/ca.crt` (curl's option is `--cacert`).
#
# **Predict** the answer to the second call: `"allowed"`, `"forbidden"` or `"unauthorized"`? It
# sends no token.

# %%
# predict("W7", "…")
### BEGIN SOLUTION
predict("W7", "forbidden")
### END SOLUTION

# %% [markdown]
# **Your turn:** the first call, just so.

# %%
# lab.exec("default/curl", "curl https://kubernetes")
### BEGIN SOLUTION
lab.exec("default/curl", "curl https://kubernetes")
### END SOLUTION

# %% [markdown]
# Exit code 60: curl does not trust the certificate, and stops before it sends a word. Its
# option `-k` is a way around. Do not take it: then nobody checks whom you talk to, and the
# next thing you send is a password.
#
# **Your turn:** the same call once more, and give curl the CA (`--cacert`).

# %%
# lab.exec("default/curl", "curl -s --cacert … https://kubernetes")
### BEGIN SOLUTION
ca = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
lab.exec("default/curl", f"curl -s --cacert {ca} https://kubernetes")
### END SOLUTION

# %%
check("W7")

# %% [markdown]
# The connection stands, and the answer is the one you know from W2: `system:anonymous`. It names
# a path, and no resource: `/` is one of the non-resource URLs of W4, and a right like any other.
#
# TLS told *you* who the server is. It did not tell the server who you are.

# %% [markdown]
# ## W8 · Say who you are
#
# Beside `ca.crt` lie two more files. Every pod finds these three, unless the pod or its account says
# that it does not want them:
#
# | file | what it is for |
# |---|---|
# | `ca.crt` | who the server is: the CA to trust |
# | `token` | who you are: a credential for the API server |
# | `namespace` | where you are: the namespace this pod runs in |

# %% [markdown]
# **Your turn:** list the directory (`ls`), and show the file `namespace` (`cat`).

# %%
# lab.exec("default/curl", "…")
### BEGIN SOLUTION
mount = "/var/run/secrets/kubernetes.io/serviceaccount"
lab.exec("default/curl", f"ls {mount} && cat {mount}/namespace")
### END SOLUTION

# %% [markdown]
# The token goes into a header: `Authorization: Bearer <token>`. The server will know you
# then. **Predict** the user name it uses for a pod of the namespace `default` that runs as
# the account `default`. It begins with `system:serviceaccount:`.

# %%
# predict("W8", "system:serviceaccount:…")
### BEGIN SOLUTION
predict("W8", "system:serviceaccount:default:default")
### END SOLUTION

# %% [markdown]
# **Your turn:** call `https://kubernetes/` with it. In the pod's shell, `TOKEN=$(cat …/token)` puts the
# file into a variable, and `-H "Authorization: Bearer $TOKEN"` sends it. The message of
# the refusal names the user.

# %%
# call = 'TOKEN=$(cat …); curl -s --cacert … -H "Authorization: Bearer $TOKEN"'
# lab.exec("default/curl", f"{call} https://kubernetes")
### BEGIN SOLUTION
call = f'TOKEN=$(cat {mount}/token); curl -s --cacert {ca} -H "Authorization: Bearer $TOKEN"'
lab.exec("default/curl", f"{call} https://kubernetes")
### END SOLUTION

# %% [markdown]
# Still 403, and yet everything has changed: the server knows your name. You are
# *authenticated*. You are not *authorized* to see `/`, and little else, but some doors
# are open to every authenticated user. `/api` is one. (Who opened it, you will see in W20.)
#
# **Your turn:** the same call, for `https://kubernetes/api`.

# %%
### BEGIN SOLUTION
lab.exec("default/curl", f"{call} https://kubernetes/api")
### END SOLUTION

# %%
check("W8")

# %% [markdown]
# **now:** up to 1.20 this token came from a Secret, where it lay for ever. Since 1.21 it is made for this
# pod, and expires. Part 3 opens it up.

# %% [markdown]
# ## Aside 2 · A pod without a token
#
#
# Not every pod needs a token. `automountServiceAccountToken: false` leaves it out. It may stand in the
# account or in the pod. These three pods are in the lab's file:
#
# | pod | its account | the pod itself |
# |---|---|---|
# | `account-says-no` | `false` | says nothing |
# | `pod-says-yes` | `false` | `true` |
# | `pod-says-no` | says nothing | `false` |
#
# **Predict** for each, `"yes"` or `"no"`: does it get a token?

# %% tags=["aside"]
# predict("A2", {"account says no": "…", "pod says yes": "…", "pod says no": "…"})
### BEGIN SOLUTION
predict("A2", {"account says no": "no", "pod says yes": "yes", "pod says no": "no"})
### END SOLUTION

# %% tags=["aside"]
lab.apply("02-inside-a-pod/tryout/W08-aside-automount.yaml")
found = lab.admin.get("/api/v1/namespaces/aside/pods").body["items"]
{pod["metadata"]["name"]: bool(pod["spec"].get("volumes")) for pod in found}

# %% tags=["aside"]
lab.admin.delete("/api/v1/namespaces/aside").status

# %% tags=["aside"]
check("A2")

# %% [markdown]
# The pod's word counts more than its account's. A pod without a token still runs as its account: its name stands in
# `spec.serviceAccountName`. What the pod asks without a token, it asks as `system:anonymous`.
#
# To leave the token out protects against a stolen token. It takes no right away from the account.

# %% [markdown]
# ## How far you are
#
# The board follows your checks. It can check a step itself, and give the next hint.

# %% tags=["widget"]
Board(lab, "02-inside-a-pod")

# %% [markdown]
# ## Explain it in your words
#
# **What do you know after TLS, what does the server know after the token, and why does one need
# both?** Write two or three sentences in the cell below, then compare.

# %% [markdown]
# *Double-click here, and write.*

# %% [markdown]
# <details>
# <summary>A model answer</summary>
#
# > After TLS I know which server I talk to: its certificate is signed by the CA that I trust. It
# > does not know me. After the token the server knows who I am. I need both, in this order: who
# > has the token is the account, so I must not send it to a server that I have not checked.
#
# </details>

# %% [markdown]
# **You have seen:** address, CA and credential all lie ready in the pod. Client libraries
# find them by themselves; that is all that “in-cluster configuration” means.
#
# **Read on:** <https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/>
#
# **Next:** [Authentication and service accounts](03-service-accounts.ipynb)
