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
# changes. Time: about 20 minutes.

# %%
from labkit import Lab, check, expect_forbidden, hint, predict, solution

lab = Lab()

# %% [markdown]
# ## W1 · Find the API server
#
# The API server, `kube-apiserver`, is the one door to a cluster. It stores every object,
# and serves it to whoever may see it: pods, namespaces, config maps, events. `kubectl`,
# the scheduler, every node and this notebook are its clients, and none of them talks to
# another behind its back.

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
# `kubectl cluster-info` says the address in a sentence. Find it, here or in the
# kubeconfig (`cluster["server"]`), and record what you found.

# %%
lab.kubectl("cluster-info")

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
# made-up token? **Predict both**: `"allowed"`, `"forbidden"` (403: I know you, and no) or
# `"unauthorized"` (401: I do not know who you are).

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
# **now:** the write-up's cluster answered strangers like this, and most still do. Some
# distributions (k3s) switch anonymous access off and say 401 to strangers too. Even where
# it is on, a stranger may read little more than the version and the health of the server:

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
# **Predict:** a plain HTTP call, no token, no certificate. What will the server say?

# %%
# predict("W3", "…")  # "allowed", "forbidden" or "unauthorized"
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
# So a proxy is convenient, and whoever reaches it has its rights. That is why it listens
# on the loopback address only. In parts 3 and 4 the same proxy runs inside a pod.

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
# Now read the four entry documents through the proxy: `/`, `/api`, `/apis` and `/api/v1`.

# %%
# proxy.get("/"), and so on
### BEGIN SOLUTION
for path in ("/", "/api", "/apis", "/api/v1"):
    display(proxy.get(path))
### END SOLUTION

# %% [markdown]
# And one group, the one that you predicted: `proxy.get("/apis/…")`. Its answer names the
# version to use. Does it hold roles? Ask once more, with the version.

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

# %%
import kubernetes

client = kubernetes.config.new_client_from_config(str(lab.kubeconfig))
[group.name for group in kubernetes.client.ApisApi(client).get_api_versions().groups][:5]

# %%
proxy.close()

# %% [markdown]
# **You have seen:** one address, TLS first, then *who are you* (401), then *may you* (403),
# and a tree of resources behind it.
#
# **Next:** [The API from inside a pod](02-inside-a-pod.ipynb)
