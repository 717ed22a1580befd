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
# # The API server
#
# *Everything in a cluster goes through one server.*
#
# **In this lab you will** find the API server, learn what it says to a stranger, let a
# proxy ask for you, and list everything it serves. Time: about 20 minutes.
#
# ![You are here: TLS and authentication, the second and the third of six stations. Before them:
# you ask. After them: authorization, admission, and etcd, which stores the objects.](pictures/request-tls-authentication.svg)

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
drill(before=1)

# %% [markdown]
# ## W1 · Find the API server
#
# The *API server*, `kube-apiserver`, is the one door to a cluster. Whatever the cluster has is an *object* there:
# namespaces, accounts, roles, and *pods*, which are one or more containers that run together. It stores them in *etcd*, a
# database that only it talks to. (In labkit's own cluster a file plays etcd.)
#
# Every other program is its client, also `kubectl`, the command line, and this notebook. They work together through its
# objects: one writes, others read.

# %%
lab.admin.get("/api/v1/namespaces")

# %% [markdown]
# A client finds it by a file, the *kubeconfig*. The file names the server's address, the *certificate authority* (CA)
# to trust, and a *credential*, which shows who one is. A *context* in it joins a cluster, a user and a namespace, and
# `kubectl config use-context NAME` changes to another. Here are the names of what the lab's file has:

# %%
import yaml

config = yaml.safe_load(lab.kubeconfig.read_text())
cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
list(cluster)
list(user)

# %% [markdown]
# Where kubectl is installed, it says the address in a sentence:

# %%
lab.kubectl("cluster-info")

# %% [markdown]
# **Your turn:** find the address, and record it with `lab.record("W1", …)`. In the kubeconfig it is
# `cluster["server"]`.

# %%
# lab.record("W1", "https://…")
### BEGIN SOLUTION
lab.record("W1", cluster["server"])
### END SOLUTION

# %%
check("W1")

# %% [markdown]
# ## W2 · Knock without credentials
#
# First comes *TLS*, and it asks *you*: do you trust this server? Its certificate comes from the cluster's own CA, which
# your system does not know. So Python refuses to go on, as `curl` would: anybody could be listening there.

# %%
from urllib.request import urlopen

try:
    urlopen(f"{lab.admin.endpoint.server}/api")
except OSError as problem:
    print(problem)

# %% [markdown]
# The lab's callers have the CA from the kubeconfig. So the next calls get through, one without any credential, and one
# with a *token* (a text that says who one is) that was made up. **Predict** both, `no token` and `bad token`:
#
# - `"allowed"`;
# - `"forbidden"`: 403, the server has a name for you, and says no;
# - `"unauthorized"`: 401, the server has no name for you.

# %%
# predict("W2", {"no token": "…", "bad token": "…"})
### BEGIN SOLUTION
predict("W2", {"no token": "forbidden", "bad token": "unauthorized"})
### END SOLUTION

# %% [markdown]
# Now ask for `/api`, first as nobody, then with a token that no cluster ever issued.

# %%
lab.as_anonymous().get("/api")

# %%
lab.as_token("not-a-token").get("/api")

# %%
check("W2")

# %% [markdown]
# Whoever shows nothing has a name too: `system:anonymous`. Rights could be given to this name, and here it has too
# few: 403. A *wrong* credential is worse than none. The server has no name for its bearer, and says 401 before it looks
# for any right.
#
# In the picture at the top, 401 comes from the third station, *authentication* (who is it?), and 403 from the
# fourth, *authorization* (may they?). A role says what authorization allows.
#
# Has a stranger any right at all? Ask for two paths:

# %%
stranger = lab.as_anonymous()
answers(stranger.get("/version"), stranger.get("/healthz"), stranger.get("/apis"))

# %% [markdown]
# The first two are open to everybody. The cluster brings a binding for that, `system:public-info-viewer`.
#
# **now:** since 1.34 (on by default since 1.32) an administrator can leave anonymous access on for some paths only;
# elsewhere a stranger gets 401. k3s has it off.
#
# The X-ray shows a request from the inside: the stations that it passed, and where it stopped.

# %%
from labkit.ui import XRay

XRay(stranger.get("/apis"), lab)

# %% [markdown]
# ## W3 · Let a proxy carry the credentials
#
# A *proxy* stands between a client and a server, and passes requests on. `kubectl proxy` runs on your own machine, reads
# your kubeconfig, takes plain HTTP, and asks the server by HTTPS. One uses it to try the API with a browser or `curl`. `lab.proxy()` and
# `labkit proxy` do the same where there is no kubectl.
#
# **Predict:** a plain HTTP call to the proxy, no token, no certificate. What will come back: `"allowed"`,
# `"forbidden"` or `"unauthorized"`?

# %%
# predict("W3", "…")
### BEGIN SOLUTION
predict("W3", "allowed")
### END SOLUTION

# %%
proxy = lab.proxy()
proxy.get("/api/v1/namespaces")

# %% [markdown]
# Look at *taken for*. The call carried nothing, and the server saw the administrator: the proxy adds its own credential.
# Any other program on this machine can do the same:

# %%
urlopen(f"{proxy.url}/version").status

# %%
check("W3")

# %% [markdown]
# So whoever reaches a proxy asks with its rights. The server sees you, whichever program called. Start a
# proxy when you need it, and end it after that. (What else it protects stands at the end of this part.)

# %% [markdown]
# ## W4 · List what the server serves
#
# The server describes itself. `/` lists its paths; `/api` and `/apis` list API groups and versions. The oldest
# resources (pods, services, namespaces) are in the *core group*, whose name is empty, at `/api/v1`. All others are
# at `/apis/GROUP/VERSION`.
#
# **Predict:** in which group are roles? A group's name looks like `apps` or `authentication.k8s.io`.

# %%
# predict("W4", "…")
### BEGIN SOLUTION
predict("W4", "rbac.authorization.k8s.io")
### END SOLUTION

# %% [markdown]
# **Your turn:** read the four entry documents through the proxy: `/`, `/api`, `/apis` and `/api/v1`.

# %%
# proxy.get("/")
### BEGIN SOLUTION
for path in ("/", "/api", "/apis", "/api/v1"):
    display(proxy.get(path))
### END SOLUTION

# %% [markdown]
# **Your turn:** now one group, the one that you predicted: `proxy.get("/apis/…")`. Its answer
# names the version to use. Does it hold roles? Ask once more, with the version.

# %%
# proxy.get("/apis/GROUP/VERSION")
### BEGIN SOLUTION
group = proxy.get("/apis/rbac.authorization.k8s.io/v1")
[resource["name"] for resource in group.body["resources"]]
### END SOLUTION

# %%
check("W4")

# %% [markdown]
# It is the first half of your Role's `apiVersion`. And every address follows from it: roles of the namespace `kikai` are at
# `/apis/rbac.authorization.k8s.io/v1/namespaces/kikai/roles`, its pods at `/api/v1/namespaces/kikai/pods`.
#
# `/`, `/api` and `/version` are paths without objects. Part 5 shows how one grants them.
#
# Every client builds its addresses in this way, also the official one for Python:

# %%
import kubernetes

client = kubernetes.config.new_client_from_config(str(lab.kubeconfig))
for group in kubernetes.client.ApisApi(client).get_api_versions().groups[:5]:
    print(group.name)

# %%
proxy.close()

# %% [markdown]
# ## Aside 1 · Read the verb in a request
#
#
# An aside is a question beside the steps: no step needs it, and the board counts it apart.
#
# A rule names verbs, and a request has an HTTP method. There are eight verbs for objects: `get`, `list`,
# `watch`, `create`, `update`, `patch`, `delete` and `deletecollection`. **Predict** the verb of each of these six
# requests. (`watch=1` asks for a list that goes on: the server sends each change. PUT replaces an object, PATCH changes
# a part of it.)

# %% tags=["aside"]
# predict("A1", {"GET one pod": "…", "GET all pods": "…", "GET with watch=1": "…", "PUT": "…", "PATCH": "…", "DELETE all pods": "…"})
### BEGIN SOLUTION
reading = {"GET one pod": "get", "GET all pods": "list", "GET with watch=1": "watch"}
writing = {"PUT": "update", "PATCH": "patch", "DELETE all pods": "deletecollection"}
predict("A1", {**reading, **writing})
### END SOLUTION

# %% tags=["aside"]
pods = "/api/v1/namespaces/default/pods"
stranger = lab.as_anonymous()
answers(
    ("stranger", "GET one pod", stranger.get(f"{pods}/web").message),
    ("stranger", "GET all pods", stranger.get(pods).message),
    ("stranger", "GET with watch=1", stranger.get(pods, query={"watch": "1"}).message),
    ("stranger", "PUT", stranger.put(f"{pods}/web", {"metadata": {"name": "web"}}).message),
    ("stranger", "PATCH", stranger.patch(f"{pods}/web", {"metadata": {"labels": {}}}).message),
    ("stranger", "DELETE all pods", stranger.delete(pods).message),
)

# %% tags=["aside"]
check("A1")

# %% [markdown]
# Each message names the verb, and each verb is a right of its own. With `get` and `list` nobody may watch, with
# `update` nobody may patch, and with `delete` nobody may delete all at once.

# %% [markdown]
# ## Five questions on this part
#
# Each comes back after 1, 7 and 30 days, at the beginning of a part: sooner if it was wrong.

# %%
drill(part=1)

# %% [markdown]
# ## How far you are
#
# The board follows your checks, and gives hints.

# %% tags=["widget"]
Board(lab, "01-api-server")

# %% [markdown]
# ## Explain it in your words
#
# A friend calls the API server three times: without the CA, with a made-up token, and without
# any token. Three times it does not work. **Why is it three different answers?** Write, then compare.

# %% [markdown]
# *Double-click here, and write.*

# %% [markdown]
# <details>
# <summary>A model answer</summary>
#
# > Without the CA the client itself ends the call: it cannot know which server answers. With a made-up
# > token the server has no name for the caller: 401. Without any token the name is `system:anonymous`, which may
# > do too little: 403. Each answer comes from one station further on.
#
# </details>

# %% [markdown]
# <details>
# <summary>For the curious: what a proxy protects</summary>
#
# **A proxy** keeps the key and the token away from the programs that call it, checks the server's certificate, and
# listens on your own machine only. `kubectl proxy` also refuses exec and attach (`--reject-paths`). It answers only requests
# that name a local host, so a page whose name points to your machine (*DNS rebinding*) gets nothing. labkit's also
# refuses what other sites' pages send (their header `Origin`).
# Other programs and users of this machine get in.
#
# </details>

# %% [markdown]
# <details>
# <summary>For the curious: the verbs of a log and of a shell</summary>
#
# **now:** a *subresource* is one word longer in the address: to read a log is `get` on `pods/log`, to run a command
# `create` on `pods/exec`. Up to 1.34 clients with WebSockets needed `get` only; on by default since 1.35 they
# need both.
#
# </details>

# %% [markdown]
# **You have seen:** one address, TLS first, then *who are you* (401), then *may you* (403),
# and a tree of resources behind it.
#
# **Read on:**
# <https://kubernetes.io/docs/concepts/overview/kubernetes-api/>,
# <https://kubernetes.io/docs/reference/using-api/api-concepts/>,
# <https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster/>
#
# **Alone:** [exercise 1](exercises/ex1-api-server.ipynb) asks for the same with other names.
# **Next:** [The API from inside a pod](02-inside-a-pod.ipynb)
