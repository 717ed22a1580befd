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
# # Test the policy
#
# *A policy is code: ask it, break it, and find out what it is for.*
#
# **In this lab you will** write down who may do what and who may not, ask the files and the cluster, find out
# how little two questions say, review a colleague's change, and give a program the least role that it needs.
# Time: about 35 minutes.
#
# ![You are here: authorization, the fourth of six stations. Before it: you ask, TLS,
# authentication. After it: admission, and etcd, which stores the objects.](pictures/request-authorization.svg)

# %%
from labkit import Lab, check, hint, predict, recall, solution

lab = Lab()
lab.prepare("04-roles")
lab.prepare("05-cluster-roles")

# %% [markdown]
# Those lines make what parts 4 and 5 ended with, where it is missing, and touch nothing that is there.
#
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
# They are about parts 4 and 5. Write the letter that you choose between the quotes, and run the
# cell. Nothing is counted: a wrong one tells you what to think of.
#
# **6.1** A cluster role binding gives `view` to `kikai`'s account. Where may it list services?
# * a: in `kikai`
# * b: in every namespace
# * c: where the cluster role lies

# %%
recall("6.1", "")

# %% [markdown]
# **6.2** `kubectl auth can-i list podz` says no. What do you know now?
# * a: pods may not be listed
# * b: the cluster gave a wrong answer
# * c: nothing about pods

# %%
recall("6.2", "")

# %% [markdown]
# **6.3** A role binding in `kikai` names `darbo`'s account. Where may that account use the role?
# * a: in `kikai`
# * b: in `darbo`
# * c: in both

# %%
recall("6.3", "")

# %% [markdown]
# ## T1 · The same questions, twice
#
# Most tests of a program run as an administrator, and an administrator is refused nothing. So we test the policy
# itself. Part 4 was a story about two accounts: `kikai`'s may read the services of `kikai` (W17), so may
# `darbo`'s (W18), and neither may read those of `darbo` (W19). The files that you applied there are a policy:

# %%
policy = lab.policy("04-roles")
policy

# %% [markdown]
# A **question** says who, what and where, and whether the answer is to be yes (`may`) or no (`may not`):

# %%
questions = """
questions:
- who: kikai/default
  may: list services in kikai
  may not: delete services in kikai
"""

# %% [markdown]
# **Predict:** may `kikai/default` list services in `darbo`, `by the files` of part 4, and `by the cluster` as it
# is now? Each is `"allowed"` or `"forbidden"`.

# %%
# predict("T1", {"by the files": "…", "by the cluster": "…"})
### BEGIN SOLUTION
predict("T1", {"by the files": "forbidden", "by the cluster": "allowed"})
### END SOLUTION

# %% [markdown]
# **Your turn:** the rest of the story is missing. Add (`questions +=`) what W18 and W19 say: `darbo`'s account in both
# namespaces, and `kikai`'s in `darbo`.

# %%
### BEGIN SOLUTION
questions += """
- {who: kikai/default, may not: list services in darbo}
- {who: darbo/default, may: list services in kikai, may not: list services in darbo}
"""
### END SOLUTION

# %% [markdown]
# Ask the files first. Nothing is sent to a cluster: labkit decides as the server does, in the notebook.

# %%
policy.test(questions)

# %% [markdown]
# Now ask the cluster the same. Each question becomes an access review, the request behind `kubectl auth can-i`:

# %%
policy.ask(questions)

# %% [markdown]
# One answer is another one, and the server names the binding that gives it. It is W24's. No file of part 4 knows of it,
# so no test of these files can see it.
#
# **Your turn:** take away what part 5 bound in the whole cluster, `view-test` and `pv-test`. Then ask the cluster once
# more, and record your questions: `lab.record("T1", questions)`.

# %%
### BEGIN SOLUTION
bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
[lab.admin.delete(f"{bindings}/{name}").status for name in ("view-test", "pv-test")]
policy.ask(questions)
lab.record("T1", questions)
### END SOLUTION

# %%
check("T1")

# %% [markdown]
# A question that names what there is not would always be answered no. So it is an error here, with what was
# probably meant:

# %%
try:
    policy.test("questions: [{who: kikai/default, may not: list servces in kikai}]")
except Exception as error:
    print(error)

# %% [markdown]
# ## T2 · Two positive questions
#
# Are these questions any good? Let us break the policy on purpose. Each **wrong policy** differs from the right one
# in one thing, as people make mistakes: a verb or a resource more, another account, another place, a larger role. Changes
# that change no answer are left out. A question *rejects* a wrong policy if that gives another answer than the right one.
#
# Here they are. No question has been asked yet, so all of them pass, and are lit:

# %% tags=["widget"]
from labkit.ui import MutantWall

MutantWall(policy)

# %% [markdown]
# **Predict:** somebody asks only whether what is needed works, with two questions under `may`. How many of the
# wrong policies pass? `"none"`, `"a few"` or `"more than half"`.

# %%
# predict("T2", "…")
### BEGIN SOLUTION
predict("T2", "more than half")
### END SOLUTION

# %% [markdown]
# **Your turn:** write two such questions, and call the text `two`. `policy.wrong(two)` shows which wrong policies pass.
# Record them for T2.

# %%
### BEGIN SOLUTION
two = """
questions:
- who: kikai/default
  may: [get services in kikai, list services in kikai]
"""
lab.record("T2", two)
policy.wrong(two)
### END SOLUTION

# %%
check("T2")

# %% [markdown]
# Whoever has everything answers yes to every positive question. So positive questions find only what is
# missing, and never what is too much.

# %% [markdown]
# ## T3 · Until none passes
#
# Now put the lights out. Read a lit card, and think of a request that its policy allows and the right one does not.
# That is your next question, under `may not`. You need at most 12 questions in all.
#
# Some cards are about accounts that part 4 does not have, such as `kikai/another`. They are named under `accounts`, so that
# they are not taken for misspellings. Somebody without a credential is the user `system:anonymous`. To begin with:

# %%
more = """
accounts: [kikai/another, darbo/another]
questions:
- who: kikai/default
  may: [get services in kikai, list services in kikai]
"""

# %% [markdown]
# **Your turn:** add (`more +=`) what `kikai`'s account may not.

# %%
### BEGIN SOLUTION
more += """
- {who: kikai/default, may not: [watch services in kikai, delete services in kikai]}
- {who: kikai/default, may not: [list secrets in kikai, list services in darbo]}
"""
### END SOLUTION

# %% [markdown]
# **Your turn:** and what everybody else may and may not. See what passes, and go on until nothing does. Then
# record them for T3.

# %%
### BEGIN SOLUTION
more += """
- {who: darbo/default, may: list services in kikai}
- {who: kikai/another, may not: list services in kikai}
- {who: darbo/another, may not: list services in kikai}
- {who: "system:anonymous", may not: list services in kikai}
"""
lab.record("T3", more)
policy.wrong(more)
### END SOLUTION

# %% tags=["widget"]
MutantWall(policy, more)

# %%
check("T3")

# %% [markdown]
# Most of these questions are negative, and each stands for a mistake that somebody makes one day. In a terminal, and
# in CI, `labkit rbac test` asks such a file, and `labkit rbac mutate` says what passes it: there with
# every verb, and more resources.

# %% [markdown]
# ## T4 · A colleague's change
#
# `kikai`'s account needs the logs of the pods in `kikai`. A colleague changes the role `service-reader`: "just add
# `pods/*`". It does not help, so the next try is `*`. Then somebody remembers `pods/log`.
#
# **Predict** who gains what. Each is `"nothing"`, `"the logs"` or `"more"`: `kikai by pods/*`, `kikai by *`, and
# `darbo by pods/log`, which is what `darbo`'s account gains by the third change.

# %%
# predict("T4", {"kikai by pods/*": "…", "kikai by *": "…", "darbo by pods/log": "…"})
### BEGIN SOLUTION
guesses = {"kikai by pods/*": "nothing", "kikai by *": "more"}
predict("T4", guesses | {"darbo by pods/log": "the logs"})
### END SOLUTION

# %% [markdown]
# A file's difference shows what was typed. What matters is the difference in what is allowed, and to whom:

# %%
policy.change("06-test-the-policy/tryout/T04-role-pods-star")

# %%
policy.change("06-test-the-policy/tryout/T04-role-star")

# %%
policy.change("06-test-the-policy/tryout/T04-role-log")

# %% [markdown]
# A `*` in a rule is no pattern. It stands for every resource when it is alone, and before a slash for every
# resource that has this subresource (`*/scale`). After a slash it matches no request. And a role says nothing of
# accounts: what it gains, all gain who are bound to it.
#
# **Your turn:** refuse all three. Give `kikai`'s account the logs (`get` on `pods/log`) by a role of its own, such as
# `log-reader`, and a role binding in `kikai`. `policy.change` takes your YAML, too, before you apply it.

# %%
### BEGIN SOLUTION
lab.apply("06-test-the-policy/T04-role-log-reader")
### END SOLUTION

# %% [markdown]
# **Your turn:** ask the cluster whether it came out as you meant it: the logs for `kikai`, and not for `darbo`.

# %%
### BEGIN SOLUTION
logs = """
questions:
- {who: kikai/default, may: get pods/log in kikai, may not: list secrets in kikai}
- {who: darbo/default, may not: get pods/log in kikai}
"""
policy.ask(logs)
### END SOLUTION

# %%
check("T4")

# %% [markdown]
# ## T5 · What a program asks for
#
# So far you knew what was needed. Of a program one seldom does. Here is a small one: it counts the pods of `kikai`, and
# notes the number in a config map. If it is refused, it stops.


# %%
def tally(me):
    pods = me.get("/api/v1/namespaces/kikai/pods")
    if not pods.ok:
        return pods
    maps = "/api/v1/namespaces/kikai/configmaps"
    note = {"data": {"pods": str(len(pods.body["items"]))}}
    made = me.post(maps, {"metadata": {"name": "tally"}, **note})
    return me.patch(f"{maps}/tally", note) if made.status == 409 else made


# %% [markdown]
# It runs as an account of its own, with a role that somebody wrote by guessing: `list` and `watch` on pods, and `list` on
# Secrets. The lab's file makes both:

# %%
lab.apply("06-test-the-policy/T05-account-tally")
as_tally = lab.as_service_account("kikai/tally")
tally(as_tally)

# %% [markdown]
# It was refused. What it would have asked for *next* you cannot see: **a refusal hides the needs behind it**. So we let it
# run with all rights once, and judge each request by the role that it is to have. In earnest you do that on a
# cluster of its own.
#
# **Predict** what such a run will show for each of these: `"used"` (it has it, and asks for it), `"missing"` (it lacks it)
# or `"unused"` (it has it, and never asks): `list pods`, `create configmaps`, `patch configmaps`, `list secrets`.

# %%
# predict("T5", {"list pods": "…", "create configmaps": "…", "patch configmaps": "…", "list secrets": "…"})
### BEGIN SOLUTION
guesses = {"list pods": "used", "create configmaps": "missing"}
predict("T5", guesses | {"patch configmaps": "missing", "list secrets": "unused"})
### END SOLUTION

# %% [markdown]
# A role binding to `cluster-admin` gives everything in `kikai`, and nothing elsewhere:

# %%
lab.apply("06-test-the-policy/tryout/T05-rolebinding-tally-all")

# %% [markdown]
# **Your turn:** let the program run until you have seen all that it can ask for.

# %%
### BEGIN SOLUTION
tally(as_tally)
tally(as_tally)
### END SOLUTION

# %% [markdown]
# The report compares what was asked with what the *file* gives, not with the rights that it had for this run:

# %%
lab.policy("06-test-the-policy/T05-account-tally").used_by("kikai/tally")

# %%
check("T5")

# %% [markdown]
# The first run creates the config map, and only the second one finds it there and changes it. So a report holds for
# what was tried: a program that has never met an error may need more on a bad day.

# %% [markdown]
# ## T6 · The least role, and what keeps it
#
# **Your turn:** first take the binding with all rights away, `tally-all` in `kikai`. Then change the role `tally`, so
# that it gives what the report calls the least policy. The frame:
#
# ```
# apiVersion: rbac.authorization.k8s.io/v1
# kind: Role
# metadata: {namespace: kikai, name: tally}
# rules:
# - {apiGroups: [""], resources: […], verbs: […]}
# - …
# ```

# %%
### BEGIN SOLUTION
bindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/kikai/rolebindings"
lab.admin.delete(f"{bindings}/tally-all")
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {namespace: kikai, name: tally}
rules:
- {apiGroups: [""], resources: [pods], verbs: [list]}
- {apiGroups: [""], resources: [configmaps], verbs: [create, patch]}
""")
### END SOLUTION

# %% [markdown]
# **Your turn:** and does the program still work? Take its config map away, so that it has to create it once more, and
# let it run twice.

# %%
### BEGIN SOLUTION
lab.admin.delete("/api/v1/namespaces/kikai/configmaps/tally")
tally(as_tally)
tally(as_tally)
### END SOLUTION

# %% [markdown]
# Next year somebody will add a verb "to be sure". Questions notice it. The lab's file has the least policy, with the
# binding to `kikai/tally`:

# %%
least = lab.policy("06-test-the-policy/T06-role-tally")
least

# %% [markdown]
# What the program needs is soon said:

# %%
kept = """
accounts: [kikai/another, darbo/tally]
questions:
- who: kikai/tally
  may: [list pods in kikai, create configmaps in kikai, patch configmaps in kikai]
"""

# %% [markdown]
# **Your turn:** add questions until every wrong policy next to it is rejected; you need at most 20. Begin with what it must
# not do to pods.

# %%
### BEGIN SOLUTION
kept += """
- who: kikai/tally
  may not: [watch pods in kikai, delete pods in kikai, create pods in kikai]
- {who: kikai/tally, may not: list pods in darbo}
"""
### END SOLUTION

# %% [markdown]
# **Your turn:** add what it must not do to config maps and Secrets.

# %%
### BEGIN SOLUTION
kept += """
- who: kikai/tally
  may not: [list configmaps in kikai, watch configmaps in kikai]
- {who: kikai/tally, may not: delete configmaps in kikai}
- {who: kikai/tally, may not: [list secrets in kikai, create secrets in kikai]}
"""
### END SOLUTION

# %% [markdown]
# **Your turn:** add everybody else, see what passes (`least.wrong(kept)`), and record them for T6.

# %%
### BEGIN SOLUTION
kept += """
- {who: kikai/default, may not: list pods in kikai}
- {who: kikai/another, may not: list pods in kikai}
- {who: darbo/tally, may not: list pods in kikai}
- {who: "system:anonymous", may not: list pods in kikai}
"""
lab.record("T6", kept)
least.wrong(kept)
### END SOLUTION

# %% tags=["widget"]
MutantWall(least, kept)

# %%
check("T6")

# %% [markdown]
# <details>
# <summary>The same in CI</summary>
#
# > ```
# > labkit rbac test manifests/ questions.yaml
# > labkit rbac mutate manifests/ questions.yaml
# > labkit rbac diff base/ manifests/
# > labkit rbac report manifests/ --audit-log audit.log --account kikai/tally
# > ```
# >
# > They read manifests, or a cluster. labkit's documentation has them under "Test a policy".
#
# </details>

# %% [markdown]
# ## How far you are
#
# The board can check a step itself, and give the next hint.

# %% tags=["widget"]
Board(lab, "06-test-the-policy")

# %% [markdown]
# ## Explain it in your words
#
# **A team tests its operator as an administrator, and all its tests pass. What do these tests say about its role? Which three
# things would you add?** Write in the cell below, then compare.

# %% [markdown]
# *Double-click here, and write.*

# %% [markdown]
# <details>
# <summary>A model answer</summary>
#
# > Nothing: an administrator is refused nothing, so neither a right that is missing nor one that is too much shows. I would
# > let the tests run with all rights and compare each request with the role, in both directions. I would write questions,
# > most of them negative, that reject the mistakes people make, and ask them in CI for each change. And now and then I would ask
# > the cluster the same, since somebody may have bound more by hand.
#
# </details>

# %% [markdown]
# ## What you know now
#
# 1. A question says who, what, where, and whether the answer is to be yes. One that names what there is not says nothing.
# 2. Positive questions find what is missing. Only negative ones find what is too much.
# 3. A change is what it does to everybody who is bound to the role.
# 4. A refusal hides the needs behind it; a run shows the needs of what was tried.
#
# **Read on:**
# <https://kubernetes.io/docs/reference/access-authn-authz/rbac/>,
# <https://kubernetes.io/docs/concepts/security/rbac-good-practices/>,
# <https://kubernetes.io/docs/reference/access-authn-authz/authorization/>

# %% [markdown]
# ## Clean up (optional)
#
# This takes the walkthrough's objects away and brings the cluster back to its beginning.
# Your passes are kept. Leave it out if you want to go on playing. Remove the `#` to run it.

# %%
# lab.reset()

# %% [markdown]
# **Next:** try it alone. Seven exercises ask for the same with other names, check what the cluster
# does, and tell you your points; [the first](exercises/ex1-api-server.ipynb) is about the API
# server, in [the sixth](exercises/ex6-final.ipynb) you repair four pods, and in
# [the last](exercises/ex7-test-the-policy.ipynb) you write questions. The words of this lab, in
# English and Korean, are in the [glossary](99-glossary.ipynb).
