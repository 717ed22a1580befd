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
# with a file that is ready there, and find a credential beside it. Time: about 23 minutes.
#
# ![You are here: TLS and authentication, the second and the third of six stations, this time
# from inside the cluster. Before them: you ask. After them: authorization, admission, and etcd,
# which stores the objects.](pictures/request-tls-authentication.svg)

# %%
from labkit import Lab, answers, check, drill, hint, predict, solution

lab = Lab()

# %% [markdown]
# After a restart of the kernel: select the cell where you were, then *Run → Run All Above Selected Cell*.

# %% tags=["widget"]
from labkit.ui import Board, StartPanel

StartPanel()

# %% [markdown]
# ## Three questions first
#
# They are about the parts before: first those that are due. A wrong answer costs nothing. It comes back tomorrow.

# %%
drill(before=2)

# %% [markdown]
# ## W5 · Create the pod curl
#
# Programs in pods often need the API. We put ourselves in the place of one. This pod has one container, made from the
# image `ubuntu`, which does nothing but wait for us (`spec` says what an object shall be):
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
# **Your turn:** create it, in any way you like. `lab.apply` takes YAML text in triple quotes, or a file's name, such as the
# lab's `"02-inside-a-pod/W05-pod-curl.yaml"`. `lab.wait("default/curl")` waits until it runs.

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
# `lab.exec("default/curl", "env")` runs `env` in the pod's container, as `kubectl exec` does. In a terminal,
# `labkit exec curl` opens a shell there.
#
# The container does not have your kubeconfig. But Kubernetes tells every container the API server's address, in
# variables of its environment that begin with `KUBERNETES_SERVICE`. **Your turn:** look at them.

# %%
# lab.exec("default/curl", "env | grep …")
### BEGIN SOLUTION
lab.exec("default/curl", "env | grep KUBERNETES_SERVICE")
### END SOLUTION

# %% [markdown]
# It is the address of a *Service*: a stable address, and a DNS name, for something that may move. This one is called
# `kubernetes`, and is in the namespace `default` of every cluster. So `https://kubernetes` finds it too (from another
# namespace `https://kubernetes.default`). A container also gets variables for the Services of its own
# namespace, and for no others.

# %%
service = lab.admin.get("/api/v1/namespaces/default/services/kubernetes")
service.body["spec"]["clusterIP"]
service.body["spec"]["ports"]

# %% [markdown]
# **Your turn:** record host and port as they are seen *inside* the pod, with
# `lab.record("W6", "HOST:PORT")`. They are not those of W1.

# %%
# lab.record("W6", "host:port")
### BEGIN SOLUTION
found = lab.exec("default/curl", "echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT")
lab.record("W6", found.stdout.strip())
### END SOLUTION

# %%
check("W6")

# %% [markdown]
# This address exists in the cluster's own network only. To look around in the pod, type here:

# %%
from labkit.ui import PodTerminal

PodTerminal(lab, "default/curl")

# %% [markdown]
# ## W7 · Trust the server
#
# The image `ubuntu` has no `curl`. **Your turn:** run this in the pod, unless `which curl` finds it there:
# `apt-get update && apt-get install -y curl`. (The built-in cluster plays this. A real one needs the internet for it.)

# %%
# lab.exec("default/curl", "…")
### BEGIN SOLUTION
lab.exec("default/curl", "which curl || (apt-get update && apt-get install -y curl)")
### END SOLUTION

# %% [markdown]
# You will call `https://kubernetes` twice: just so, and then with the cluster's CA (`--cacert`), which is in the pod as
# `/var/run/secrets/kubernetes.io/serviceaccount/ca.crt`.
#
# **Predict** the answer to the second call: `"allowed"`, `"forbidden"` or `"unauthorized"`? It sends no token.

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
# Exit code 60: curl does not trust the certificate, and stops before it sends a word. Do not take its option `-k`: then
# nobody checks whom you talk to, and the next thing you send is a password.
#
# **Your turn:** the same call once more, and give curl the CA.

# %%
# lab.exec("default/curl", "curl -s --cacert … https://kubernetes")
### BEGIN SOLUTION
ca = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
lab.exec("default/curl", f"curl -s --cacert {ca} https://kubernetes")
### END SOLUTION

# %%
check("W7")

# %% [markdown]
# The answer is the one of W2. Without a token the pod is `system:anonymous` too. The message names a path and no
# resource: no object is at `/`. Such a path is a *non-resource URL*, and has to be allowed as well.
#
# TLS told *you* who the server is. It did not tell the server who you are.

# %% [markdown]
# ## W8 · Say who you are
#
# Beside `ca.crt` are two more files:
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
# The token goes into a header: `Authorization: Bearer <token>`. **Predict** the user name that the server then has
# for the pod. It is of the namespace `default`, and runs as an account that is called `default` too. You have seen such
# a name in part 0.

# %%
# predict("W8", "system:serviceaccount:…")
### BEGIN SOLUTION
predict("W8", "system:serviceaccount:default:default")
### END SOLUTION

# %% [markdown]
# **Your turn:** call `https://kubernetes/` with it. In the pod's shell, `TOKEN=$(cat …/token)` reads the file, and
# `-H "Authorization: Bearer $TOKEN"` sends it.

# %%
# call = 'TOKEN=$(cat …); curl -s --cacert … -H "Authorization: Bearer $TOKEN"'
# lab.exec("default/curl", f"{call} https://kubernetes")
### BEGIN SOLUTION
call = f'TOKEN=$(cat {mount}/token); curl -s --cacert {ca} -H "Authorization: Bearer $TOKEN"'
lab.exec("default/curl", f"{call} https://kubernetes")
### END SOLUTION

# %% [markdown]
# Still 403, and yet everything has changed: the message has your name. You are *authenticated*. You are not *authorized*
# to see `/`. But some paths are open to every authenticated user, and `/api` is one of them. (W22 shows who opened it.)
#
# **Your turn:** the same call, for `https://kubernetes/api`.

# %%
### BEGIN SOLUTION
lab.exec("default/curl", f"{call} https://kubernetes/api")
### END SOLUTION

# %%
check("W8")

# %% [markdown]
# **now:** up to 1.20 this token came from a *Secret*, an object for what not everybody should read, and never expired. Since
# 1.22 (on by default since 1.21) it is made for this pod, and expires. Part 3 opens it up.

# %% [markdown]
# ## Aside 2 · A pod without a token
#
#
# Not every pod needs a token. `automountServiceAccountToken: false` leaves it out, and may stand in the account or in the
# pod. The lab's file has three pods:
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
specs = {}
for pod in lab.admin.get("/api/v1/namespaces/aside/pods").items:
    specs[pod["metadata"]["name"]] = pod["spec"]
answers(
    ("account-says-no", "has a token", "volumes" in specs["account-says-no"]),
    ("pod-says-yes", "has a token", "volumes" in specs["pod-says-yes"]),
    ("pod-says-no", "has a token", "volumes" in specs["pod-says-no"]),
)

# %% tags=["aside"]
lab.admin.delete("/api/v1/namespaces/aside").status

# %% tags=["aside"]
check("A2")

# %% [markdown]
# The pod's word counts more than its account's. **As whom does `pod-says-no` ask?** You made such a call in W7.
#
# <details>
# <summary>The answer</summary>
#
# As `system:anonymous`. It still runs as its account (`spec.serviceAccountName`), but cannot show that it does. Leaving
# the token out protects against a stolen token. It takes no right away from the account.
#
# </details>

# %% [markdown]
# ## Five questions on this part
#
# Each comes back after 1, 7 and 30 days, at the beginning of a part: sooner if it was wrong.

# %%
drill(part=2)

# %% [markdown]
# ## How far you are
#
# The board follows your checks, and gives hints.

# %% tags=["widget"]
Board(lab, "02-inside-a-pod")

# %% [markdown]
# ## Explain it in your words
#
# **What do you know after TLS, what does the server know after the token, and why does one need
# both?** Write, then compare.

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
# **You have seen:** address, CA and credential are ready in the pod. Client libraries find them by
# themselves: their “in-cluster configuration” (in Python `load_incluster_config()`, where a laptop has
# `load_kube_config()`).
#
# **Read on:** <https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/>
#
# **Alone:** [exercise 2](exercises/ex2-inside-a-pod.ipynb) asks for the same with other names.
# **Next:** [Authentication and service accounts](03-service-accounts.ipynb)
