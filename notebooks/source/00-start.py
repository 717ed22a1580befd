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
# # Start here
#
# *A cluster of your own, and how this lab works.*
#
# **In this lab you will** start a Kubernetes API server, ask it a first question, be
# refused on purpose, and see how each step is checked. You need to know what a
# container is; you need not know the Kubernetes API. Time: about 8 minutes.

# %% [markdown]
# ## Start the cluster
#
# `Lab()` finds the cluster that you chose, or starts the one built into labkit. That one
# needs no Docker: it is a small API server with real TLS, real signed tokens and real
# permission checks, and it answers as Kubernetes 1.36.2 does. (1.37 is out. Where it differs for what you
# learn here, the text says so.) Run a cell with Shift+Enter.

# %%
from labkit import Lab, board, check, expect_forbidden, hint, predict, solution

lab = Lab()
lab

# %% [markdown]
# Nothing of this touches `~/.kube`. The cluster's keys, its objects and your progress lie
# in one directory that is yours alone. The cluster goes on running when you close the
# notebook, and the next `Lab()` finds it again.

# %% [markdown]
# ## Ask it something
#
# Every tool that works with Kubernetes makes HTTP requests to the API server, and shows
# you the answer in its own way. This lab shows the request itself: who asked, as whom the
# server took them, the verb, the address, the status. Here the administrator asks.

# %%
lab.admin.get("/api/v1/namespaces")

# %% [markdown]
# The last two lines say the same request in `kubectl` and in `curl`. The lab needs neither,
# but you can use both at any time. `$CERT`, `$KEY` and, later, `$TOKEN` stand for credentials: the
# lab prints none.
#
# Where kubectl is installed, this runs it with the lab's kubeconfig:

# %%
lab.kubectl("get namespaces")

# %% [markdown]
# ## The panel
#
# It starts, stops and rewinds the cluster, and shows what else it can do where you are. Each part has it.
# Under *Go on elsewhere* it saves your work as a file, and adds such a file to what is here.

# %%
from labkit.ui import StartPanel

StartPanel()

# %% [markdown]
# ## Be refused
#
# Much of this lab is about the answer *no*. A refusal is not a crash: it is an answer with
# a status of 403, and you will learn to read it. A block that begins with
# `expect_forbidden` says that a refusal is what we want, and fails if there is none.

# %%
stranger = lab.as_anonymous()
with expect_forbidden(verb="list"):
    answer = stranger.get("/api/v1/namespaces")
answer

# %% [markdown]
# Read the message word by word. It names the user, the verb, the resource, the API group
# and where. The server decides by these five. RBAC, which decides here, looks at three things more:
#
# - the *groups* of the user, which the message leaves out;
# - the name of the object, if the request is about one object;
# - the subresource, if the address has one, such as the log of a pod.
#
# For an address that is no object, such as `/version`, it decides by who asks, the verb and the path alone.
# A caller without credentials is the user `system:anonymous`, of the group `system:unauthenticated`, and
# rights can be given to either. This lab is about where all of these come from.
#
# (The API group is empty: namespaces are of the *core* group, which has no name. An API group
# is a family of resource types, and a user's group is a set of users: only the word is the same.)

# %% [markdown]
# ## The way of a request
#
# Every request goes the same way. This picture stands at the top of each notebook, and shows
# which stations it is about. So far you have done one thing: you asked.
#
# ![You are here: “you ask”, the first of six stations. Then come TLS (which server is it?
# without trust you hang up), authentication (who is it? else 401), authorization (may they?
# else 403), admission (for writes and connections: fills in, checks, may say 403 too) and etcd,
# which stores the objects.](pictures/request-you.svg)
#
# The administrator's request came through. The stranger's was stopped at the fourth station,
# *authorization*. It says no with a 403 whose message begins like this one. Two other places say 403 as well,
# *admission* and a check on roles. Their messages read differently, and parts 3 and 5 show them.
#
# The X-ray shows the same refusal from the inside: the stations it passed in the server, where
# it stopped, and the smallest change that would let it in. (Where no widget runs, you see a
# table instead.)

# %%
from labkit.ui import XRay

XRay(answer, lab)

# %% [markdown]
# ## Predict, run, explain
#
# Each step has a name, such as W17 or T3, and goes the same way:
#
# 1. **Predict** what the server will say: `predict("W4", "…")`, with your guess in the place of `…`.
# 2. **Run** the request, or create the object.
# 3. **Check**: `check("W4")` asks the cluster, not your notebook. Any way that works passes.
#
# A step that asks for a prediction does not pass without one. A wrong prediction costs nothing. It is the
# moment you learn something: predict again. The board shows which of your first guesses were right.
#
# The task stands in the text. In the cell below it you find where to write, and often a frame:
# remove its `#`, and put your answer in the place of `…`. Frames grow shorter from part to part.

# %%
check("W4")

# %% [markdown]
# A step that nobody has tried is *not attempted*. When you are stuck, `hint("W4")` says where
# to look, the next `hint("W4")` what to write, the third all but the last word. `solution("W4")`
# shows one way to do it.
# A step that you have passed stays passed.
#
# When the kernel was restarted, *Run → Run All Above Selected Cell* brings Python's names back;
# the cluster has kept everything. Each part says so again at its top.

# %%
board()

# %% [markdown]
# ## The six parts
#
# | | notebook | you will |
# |---|---|---|
# | 1 | [The API server](01-api-server.ipynb) | find it, knock, and list what it serves |
# | 2 | [Inside a pod](02-inside-a-pod.ipynb) | call it from a container |
# | 3 | [Service accounts](03-service-accounts.ipynb) | say who is asking, and read tokens |
# | 4 | [Roles](04-roles.ipynb) | grant rights in one namespace |
# | 5 | [Cluster roles](05-cluster-roles.ipynb) | grant rights everywhere |
# | 6 | [Test the policy](06-test-the-policy.ipynb) | test what you granted, and find what is too much |
#
# Afterwards, seven [exercises](exercises/ex1-api-server.ipynb) ask for the same with other names
# and without help. Words that are new to you are in the [glossary](99-glossary.ipynb), in English and Korean.

# %% [markdown]
# ## Where it comes from, and what has changed
#
# The walkthrough follows a Korean student's write-up of 2022, 쿠버네티스 API 개념 및 보안 내용 정리
# (“Kubernetes API: concepts and security, a summary”). The write-up follows *Kubernetes in
# Action* by Marko Lukša, chapters 8 (talking to the API from applications) and 12 (securing the
# API server). Kubernetes has moved on since. Where an answer differs today, a paragraph marked
# **now** says what it was, what it is, and since which version.
#
# Each part ends with the pages of Kubernetes' own documentation on which you can read on. The
# one to begin with: <https://kubernetes.io/docs/concepts/security/controlling-access/>

# %% [markdown]
# ## Another cluster, or a fresh start
#
# The panel above stops the cluster and rewinds it to any step. Under *Another cluster* it shows what
# this machine can run, and starts it. `Lab()` uses what you chose last.
#
# In words: these notebooks run on a real cluster as well. `Lab(backend="kind")` makes one in Docker,
# `Lab(backend="existing", kubeconfig="…")` uses one that you name. `lab.rewind("W14")`
# brings the cluster to the beginning of a step, `lab.reset()` to the very beginning; your
# passes are kept. `lab.stop()` stops it.
#
# **Next:** [The API server](01-api-server.ipynb)
