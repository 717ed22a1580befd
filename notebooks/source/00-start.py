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
# *Somebody is refused, and you let them in.*
#
# **In this lab you will** see an account refused, write down what it may do, find out what that
# lacks, and where it ends. You need to know what a container is, and nothing of Kubernetes.
# Time: about 10 minutes.

# %% [markdown]
# ## Start
#
# Kubernetes runs programs on a *cluster*: machines, and one server that everybody asks. `Lab()` starts a
# small one that is yours alone. It needs no Docker, and is still there when you open the notebook again.
# To run a cell, select it and press **Run** (▶).

# %%
from labkit import Lab, board, check, hint, predict, solution

lab = Lab()
lab

# %% [markdown]
# ## Two rooms and an account
#
# A *namespace* is a room in the cluster. A program in it asks the server as a *service account*, which has
# a name in that room. The next cell makes the namespaces `museum` and `garden`, and in `museum` the account `mina`.
#
# Whatever is made in a cluster is written in YAML, and begins with three keys: `apiVersion` (which version of its
# type), `kind` (which type) and `metadata` (its name, and its namespace if it is in one).

# %%
lab.apply("""
{apiVersion: v1, kind: Namespace, metadata: {name: museum}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: garden}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: mina, namespace: museum}}
""")
mina = lab.as_service_account("museum/mina")

# %% [markdown]
# ## Refused
#
# `mina` asks who else has an account in her own namespace. Nobody has said yet what she may do. **Guess first:**
# will she be told? Then run the cell.

# %%
museum = "/api/v1/namespaces/museum/serviceaccounts"
mina.get(museum)

# %% [markdown]
# **403** is the server's *no*. What nobody has allowed is forbidden, even at home. The message says
# all that you need:
#
# - who asked: `system:serviceaccount:museum:mina`, the account's long name;
# - the *verb*, what they wanted to do: `list`;
# - the *resource*, with what: `serviceaccounts`;
# - the *API group*, the family that this resource belongs to. The oldest family has an empty name: `""`;
# - where: in the namespace `museum`.

# %% [markdown]
# ## Write what may be done
#
# A *Role* says what may be done in one namespace. It has a list of `rules`. Each rule has three lists, and the refusal tells you what to put into them: `apiGroups`,
# `resources` and `verbs`.
#
# **Your turn:** in the cell, put what the refusal said in the place of each `…`. Then remove the `#`: select all
# lines and press Ctrl+/.

# %%
# lab.apply("""
# apiVersion: rbac.authorization.k8s.io/v1
# kind: Role
# metadata: {name: guest-list, namespace: museum}
# rules:
# - apiGroups: ["…"]
#   resources: ["…"]
#   verbs: ["…"]
# """)
### BEGIN SOLUTION
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: guest-list, namespace: museum}
rules:
- apiGroups: [""]
  resources: ["serviceaccounts"]
  verbs: ["list"]
""")
### END SOLUTION

# %% [markdown]
# `mina` asks again. **Guess first:** is she allowed now?

# %%
mina.get(museum)

# %% [markdown]
# Still refused, in the same words. Read your Role once more. It says *what*. Where does it say *who*?

# %% [markdown]
# ## Say who
#
# A *RoleBinding* gives a Role to somebody. `roleRef` refers to the Role by its kind and name. `subjects` lists
# those who get it: each has a kind, a name and a namespace.
#
# **Your turn:** bind the Role to `mina`.

# %%
# lab.apply("""
# apiVersion: rbac.authorization.k8s.io/v1
# kind: RoleBinding
# metadata: {name: guest-list, namespace: museum}
# roleRef: {kind: Role, name: …}
# subjects:
# - {kind: …, name: …, namespace: …}
# """)
### BEGIN SOLUTION
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: guest-list, namespace: museum}
roleRef: {kind: Role, name: guest-list}
subjects:
- {kind: ServiceAccount, name: mina, namespace: museum}
""")
### END SOLUTION

# %%
mina.get(museum)

# %% [markdown]
# She is told, and *decided* names your binding and your Role. (Still refused? Compare each name with the
# message of the refusal, letter by letter.)

# %% [markdown]
# ## Next door
#
# `garden` is the other namespace. **Guess first:** may `mina` see the list of accounts there?

# %%
mina.get("/api/v1/namespaces/garden/serviceaccounts")

# %% [markdown]
# Refused. Your Role and your RoleBinding are in `museum`: what they allow ends at its walls.

# %% [markdown]
# ## One more verb
#
# `mina` has seen her own name in the list. **Guess first:** may she ask for this one account?

# %%
mina.get(f"{museum}/mina")

# %% [markdown]
# The message has another verb: to `list` all is one thing, to `get` one of them is another. **Your turn:** apply your
# Role again, with both verbs.

# %%
# lab.apply("""…""")
### BEGIN SOLUTION
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: guest-list, namespace: museum}
rules:
- apiGroups: [""]
  resources: ["serviceaccounts"]
  verbs: ["list", "get"]
""")
### END SOLUTION

# %%
mina.get(f"{museum}/mina")

# %% [markdown]
# You did not touch the binding. Whoever has a Role has it as it is now.
#
# That is how a cluster decides who may do what. Put the two rooms away: what is in a namespace goes with it.

# %%
lab.admin.delete("/api/v1/namespaces/museum")
lab.admin.delete("/api/v1/namespaces/garden")

# %% [markdown]
# ## The six parts
#
# They explain what you have just done, from the beginning.
#
# | | you will |
# |---|---|
# | [1](01-api-server.ipynb) | find the server, knock, and list what it has |
# | [2](02-inside-a-pod.ipynb) | ask it from a container |
# | [3](03-service-accounts.ipynb) | find out how it knows who asks |
# | [4](04-roles.ipynb) | allow something in one namespace |
# | [5](05-cluster-roles.ipynb) | allow something everywhere |
# | [6](06-test-the-policy.ipynb) | test what you allowed, and find what is too much |
#
# After them, [exercises](exercises/ex1-api-server.ipynb) ask for the same with other names and without help. The
# [glossary](99-glossary.ipynb) has each word in English and Korean.

# %% [markdown]
# ## How a step goes
#
# Each step of the parts has a name, such as W4:
#
# 1. **Predict** what the server will say. A wrong guess costs nothing, and is the moment when you learn something.
# 2. **Run** it.
# 3. **Check:** `check("W4")` looks at the cluster, not at your notebook. Any way that works passes, in a terminal
#    too. A step that you have passed stays passed.

# %%
check("W4")

# %% [markdown]
# A step that nobody has tried is *not attempted*. `hint("W4")` says where to look, the next one what to write, the
# third all but the last word. `solution("W4")` shows one way. The board has all steps:

# %%
board()

# %% [markdown]
# ## The panel
#
# Each part has it. It stops the cluster, brings it to the beginning of a step, saves your work as a
# file, and shows which other clusters this machine can run.
#
# After a restart of the kernel, *Run → Run All Above Selected Cell* brings Python's names back. The cluster has
# kept everything.

# %%
from labkit.ui import StartPanel

StartPanel()

# %% [markdown]
# ## Where it comes from
#
# The parts follow a Korean student's write-up of 2022, 쿠버네티스 API 개념 및 보안 내용 정리
# (“Kubernetes API: concepts and security, a summary”), which follows *Kubernetes in Action* by Marko Lukša, chapters 8
# and 12. Where an answer differs today, a paragraph marked **now** says so. “Since 1.34 (on by default since 1.32)” means:
# finished in 1.34, and in use from 1.32 on unless somebody switched it off. The lab's own cluster answers as 1.36.2 does.
#
# **Next:** [part 1](01-api-server.ipynb)
