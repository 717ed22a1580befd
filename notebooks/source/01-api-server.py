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
# proxy carry your credentials, and list everything it serves. Nothing in the cluster
# changes. Time: about 22 minutes.
#
# ![You are here: TLS and authentication, the second and the third of six stations. Before them:
# you ask. After them: authorization, admission, and etcd, which stores the objects.](pictures/request-tls-authentication.svg)

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
# They are about the notebook before this one. Write the letter that you choose between the quotes, and run the
# cell. Nothing is counted: a wrong one tells you what to think of.
#
# **1.1** You get a 403. What happened?
# * a: the server failed
# * b: the server decided
# * c: the connection was not encrypted

# %%
recall("1.1", "")

# %% [markdown]
# **1.2** Which five things does a refusal name?
# * a: verb, path, host, port and status
# * b: user, role, binding, verb and resource
# * c: user, verb, resource, API group, and where

# %%
recall("1.2", "")

# %% [markdown]
# **1.3** You made the right call in a terminal, and ran no cell of the notebook. What does the check say?
# * a: passed
# * b: not attempted
# * c: it depends on the cell's code

# %%
recall("1.3", "")

# %% [markdown]
# ## W1 · Find the API server
#
# The API server, `kube-apiserver`, is the one door to a cluster. It serves every object to
# whoever may see it: pods, namespaces, config maps, events. The objects themselves lie in
# *etcd*, a database behind it, and only the API server talks to that. (The cluster built into
# labkit has a file in etcd's place.) `kubectl`, the scheduler, every node and this notebook are
# clients of the API server. They work together through its objects: one writes, others read.

# %%
lab.admin.get("/api/v1/configmaps")

# %%
lab.admin.get("/api/v1/events")

# %% [markdown]
# How does a client know where to ask? From a file, the *kubeconfig*. It names three
# things: the server's address, the certificate authority (CA) to trust, and a credential.
# Here is what the lab's holds; the long certificates themselves are left out.

# %%
import yaml

config = yaml.safe_load(lab.kubeconfig.read_text())
cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
list(cluster), list(user)

# %% [markdown]
# `kubectl cluster-info` says the address in a sentence:

# %%
lab.kubectl("cluster-info")

# %% [markdown]
# **Your turn:** find the address, here or in the kubeconfig (`cluster["server"]`), and record it
# with `lab.record("W1", …)`.

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
# Before any credential comes TLS, and it asks *you*: do you trust this server? Its
# certificate is signed by the cluster's own CA, which no system knows. Python's standard
# library refuses to go on, and so does `curl`. It is right: anyone could be listening there.

# %%
from urllib.request import urlopen

try:
    urlopen(f"{lab.admin.endpoint.server}/api")
except OSError as problem:
    print(problem)

# %% [markdown]
# The kubeconfig holds the CA, and the lab's callers trust it. So the next call gets
# through, but without a credential. And what if one sends a credential that is none, a
# made-up token? **Predict both**, `no token` and `bad token`: `"allowed"`, `"forbidden"` (403: I
# know you, and no) or `"unauthorized"` (401: I do not know who you are).

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
# A caller without credentials is not unknown: the server calls them `system:anonymous`,
# asks what that user may do, and says 403. A *wrong* credential never gets so far: 401,
# and no user name at all.
#
# **now:** most clusters answer strangers like this. Some distributions (k3s) switch anonymous access off and
# say 401 to strangers too. Since 1.34 an administrator can also leave it on for some paths only, such as
# `/healthz`: then a stranger gets 401 everywhere else. Even where it is on everywhere, a stranger may read
# little more than the version and the health of the server:

# %%
lab.as_anonymous().get("/version")

# %% [markdown]
# ## W3 · Let a proxy carry the credentials
#
# A *proxy* stands between a client and a server, and passes requests on. `kubectl proxy`
# listens on your own machine, accepts plain HTTP, and adds your credential and the TLS to
# each request. One uses it to try the API with a browser or `curl`, without a token in
# every command. `lab.proxy()` and `labkit proxy` do the same where there is no kubectl.
#
# **Predict:** a plain HTTP call, no token, no certificate. What will the server say: `"allowed"`,
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
# Look at *taken for*. The call carried nothing, and yet the server saw the administrator:
# the credential is the proxy's. Any other program on this machine could do the same, for
# example this one line.

# %%
urlopen(f"{proxy.url}/version").status

# %%
check("W3")

# %% [markdown]
# So a proxy is convenient, and whoever reaches it has its rights.
#
# What it protects:
#
# - **The credential.** Programs that call the proxy never see the key or the token.
# - **The way to the server.** That is TLS, and the proxy checks the server's certificate.
# - **Against other machines.** It listens on the loopback address only.
# - **Against one trick of web pages in your browser.** A page can make its own name point to your machine
#   (*DNS rebinding*). The proxy answers only requests that name a loopback host, so that trick fails. labkit's
#   proxy also refuses requests that another site's page sends (their header `Origin` names it).
#   `kubectl proxy` does not look at that header.
#
# What it does not protect:
#
# - **Against this machine.** Every program and every user who reaches the port has your rights.
# - **The way to the proxy.** That is plain HTTP.
# - **Your name.** The server and its audit log see you, whichever program called. A proxy only adds the
#   caller's address, in the header `X-Forwarded-For`.
#
# So start one when you need it, and end it after that. In parts 3 and 4 the same proxy runs
# inside a pod.

# %% [markdown]
# ## W4 · List what the server serves
#
# The server describes itself. `/` lists its paths; `/api` and `/apis` list groups and
# versions of resource types. The oldest types (pods, services, namespaces) have no group
# name: they are the *core* group, at `/api/v1`. All others are at `/apis/GROUP/VERSION`.
#
# **Predict:** part 4 is about roles. In which group do they live? A group's name looks
# like `apps` or `authentication.k8s.io`.

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
# Addresses follow from this without guessing. Roles of the namespace `kikai` are at
# `/apis/rbac.authorization.k8s.io/v1/namespaces/kikai/roles`; its pods, of the core group,
# at `/api/v1/namespaces/kikai/pods`. The official Python client, `kubectl` and every
# controller build their requests in just this way.
#
# `/`, `/api` and `/version` are different: no object lies there. They are called *non-resource
# URLs*. Part 5 shows how one grants them.

# %%
import kubernetes

client = kubernetes.config.new_client_from_config(str(lab.kubeconfig))
[group.name for group in kubernetes.client.ApisApi(client).get_api_versions().groups][:5]

# %%
proxy.close()

# %% [markdown]
# ## Aside 1 · Read the verb in a request
#
#
# A rule of RBAC names *verbs*, and a request has an HTTP method. Reading has three verbs: `get`, `list` and
# `watch`. A watch is a list that goes on: the server sends each change. The other methods have one verb each:
# POST is `create`, PUT is `update`, PATCH is `patch`, and DELETE is `delete`. (DELETE of a whole list is
# `deletecollection`.)
#
# An aside is a question beside the steps. The board counts asides apart, and no step needs one.
#
# **Predict** the verb of four requests: `GET one pod`, `GET all pods`, `GET with watch=1`, `POST`.

# %% tags=["aside"]
# predict("A1", {"GET one pod": "…", "GET all pods": "…", "GET with watch=1": "…", "POST": "…"})
### BEGIN SOLUTION
guesses = {"GET one pod": "get", "GET all pods": "list"}
predict("A1", guesses | {"GET with watch=1": "watch", "POST": "create"})
### END SOLUTION

# %% tags=["aside"]
pods = "/api/v1/namespaces/default/pods"
stranger = lab.as_anonymous()
one, all_of_them = stranger.get(f"{pods}/web"), stranger.get(pods)
watch = stranger.get(pods, query={"watch": "1"})
post = stranger.post(pods, {"metadata": {"name": "web"}})
[answer.message for answer in (one, all_of_them, watch, post)]

# %% tags=["aside"]
check("A1")

# %% [markdown]
# Each message names the verb. Three GETs, three verbs: a role with `get` alone lets nobody list, and a role with
# `get` and `list` lets nobody watch.
#
# Subresources are verbs of the same kind on an address that is one word longer. To read a log is `get` on
# `pods/log`. To change the number of replicas is `update` or `patch` on `deployments/scale`. To run a command
# (`kubectl exec`) is `get` *and* `create` on `pods/exec`. **now:** up to 1.34 `get` alone was enough for clients
# that use WebSockets, as kubectl does since 1.31. Since 1.35 the server asks for `create` as well. The same holds
# for `pods/attach` and `pods/portforward`.

# %% [markdown]
# ## How far you are
#
# The board follows your checks. It can check a step itself, and give the next hint.

# %% tags=["widget"]
Board(lab, "01-api-server")

# %% [markdown]
# ## Explain it in your words
#
# A friend calls the API server three times: without the CA, with a made-up token, and without
# any token. Three times it does not work. **Why is it three different answers?** Write two or
# three sentences in the cell below, then compare.

# %% [markdown]
# *Double-click here, and write.*

# %% [markdown]
# <details>
# <summary>A model answer</summary>
#
# > Without the CA it is the client that ends the call: it cannot know which server answers, so it
# > sends nothing more. With a made-up token the connection stands, but the server cannot find out
# > who asks: 401. Without any token the server takes the caller for `system:anonymous`, asks what
# > that user may do, and finds too little: 403. Each answer comes from one station further on.
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
# **Next:** [The API from inside a pod](02-inside-a-pod.ipynb)
