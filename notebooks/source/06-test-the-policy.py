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
# **In this lab you will** write down who may do what and who may not, ask the files and the cluster, review a
# colleague's change, and give a program the least role that it needs.
# Time: about 35 minutes.
#
# ![You are here: authorization, the fourth of six stations. Before it: you ask, TLS,
# authentication. After it: admission, and etcd, which stores the objects.](pictures/request-authorization.svg)

# %%
from labkit import Lab, answers, check, drill, hint, predict, solution

lab = Lab()
lab.prepare("04-roles")
lab.prepare("05-cluster-roles")

# %% [markdown]
# Those lines make what parts 4 and 5 ended with, where it is missing. The panel rewinds the cluster to the beginning of a
# step.
#
# After a restart of the kernel: select the cell where you were, then *Run → Run All Above Selected Cell*.
# The cluster and your passes are still there.

# %% tags=["widget"]
from labkit.ui import Board, StartPanel

StartPanel()

# %% [markdown]
# ## Three questions first
#
# They are about the parts before: first those that are due. A wrong answer costs nothing. It comes back tomorrow.

# %%
drill(before=6)

# %% [markdown]
# ## T1 · The same questions, twice
#
# Most tests of a program run as an administrator, who is refused nothing. So we test the policy itself. By the files of
# part 4 the accounts of `kikai` and `darbo` may read the services of `kikai`, and not those of `darbo`:

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
# **Your turn:** add (`questions +=`) `darbo`'s account in both namespaces, and `kikai`'s in `darbo`.

# %%
### BEGIN SOLUTION
questions += """
- {who: kikai/default, may not: list services in darbo}
- {who: darbo/default, may: list services in kikai, may not: list services in darbo}
"""
### END SOLUTION

# %% [markdown]
# Ask the files first. Nothing is sent to the cluster:

# %%
policy.test(questions)

# %% [markdown]
# Now ask the cluster the same. Each question becomes an access review. (`kubectl auth can-i` sends one about yourself.
# To ask about others takes a right.)

# %%
policy.ask(questions)

# %% [markdown]
# The cluster gives one answer that the files do not give, and names the binding behind it: W24's. No test of these files
# can see it.
#
# **Your turn:** delete part 5's cluster role bindings, `view-test` and `pv-test`. Ask the cluster once more, and record your
# questions: `lab.record("T1", questions)`.

# %%
### BEGIN SOLUTION
bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
answers(lab.admin.delete(f"{bindings}/view-test"), lab.admin.delete(f"{bindings}/pv-test"))
policy.ask(questions)
lab.record("T1", questions)
### END SOLUTION

# %%
check("T1")

# %% [markdown]
# Of what does not exist the server says no to whoever has named resources, and yes to whoever has `*`. Neither tells you
# anything. So such a question is an error here, with what was probably meant:

# %%
try:
    policy.test("questions: [{who: kikai/default, may not: list servces in kikai}]")
except Exception as error:
    print(error)

# %% [markdown]
# ## T2 · Two positive questions
#
# Are these questions any good? Each **wrong policy** makes one mistake that people
# make: a verb or a resource more, another account, another place, a larger role. A question *rejects* it if its answer is
# another one than the right policy's.
#
# No question has been asked yet, so all pass, and are lit:

# %% tags=["widget"]
from labkit.ui import MutantWall

MutantWall(policy)

# %% [markdown]
# **Predict:** somebody asks only whether what is needed works, with two questions under `may`. How many wrong policies
# pass? `"none"`, `"a few"` or `"more than half"`.

# %%
# predict("T2", "…")
### BEGIN SOLUTION
predict("T2", "more than half")
### END SOLUTION

# %% [markdown]
# **Your turn:** write two such questions, and call the text `two`. `policy.wrong(two)` shows what passes. Record them for
# T2.

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
# Whoever may do everything passes every positive question. So these find what is missing, and never what is too much.

# %% [markdown]
# ## T3 · Until none passes
#
# Now put the lights out. Read a lit card, and think of a request that its policy allows and the right one does not.
# That is your next question, under `may not`. You need at most 12 in all.
#
# `accounts` names those that part 4 does not have, so that they are not taken for misspellings. Somebody without a
# credential is `system:anonymous`. To begin with:

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
# **Your turn:** and what everybody else may and may not. Go on until nothing passes. Then record them for T3.

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
# Most of these questions are negative. Each stands for a mistake that somebody makes one day.

# %% [markdown]
# ## T4 · A colleague's change
#
# `kikai`'s account needs the logs of the pods in `kikai`. Three colleagues want to add something to the role
# `service-reader`: `pods/*`, `*`, or `pods/log`.
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
# What matters is not what was typed, but what is allowed now, and to whom:

# %%
policy.change("06-test-the-policy/tryout/T04-role-pods-star")

# %%
policy.change("06-test-the-policy/tryout/T04-role-star")

# %%
policy.change("06-test-the-policy/tryout/T04-role-log")

# %% [markdown]
# A `*` alone is every resource of the rule's API groups, with all subresources: Secrets, too. Before a slash it is every
# resource that has this subresource (`*/scale`). After a slash it matches no request. And a role says nothing of accounts:
# what it gains, all gain who are bound to it.
#
# **Your turn:** refuse all three. Give `kikai`'s account, and nobody else, the logs by a role of its own:
#
# ```
# kind: Role
# metadata: {namespace: …, name: log-reader}
# rules:
# - {apiGroups: …, resources: …, verbs: …}
# ```

# %%
### BEGIN SOLUTION
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {namespace: kikai, name: log-reader}
rules:
- {apiGroups: [""], resources: [pods/log], verbs: [get]}
""")
### END SOLUTION

# %% [markdown]
# **Your turn:** and the binding to it, `log-reader` in `kikai`, as in W17.

# %%
### BEGIN SOLUTION
lab.apply("""
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: kikai, name: log-reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: log-reader}
subjects: [{kind: ServiceAccount, namespace: kikai, name: default}]
""")
### END SOLUTION

# %% [markdown]
# **Your turn:** ask the cluster whether you got what you meant: the logs for `kikai`, and not for `darbo`.

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
# So far you knew what was needed. Of a program one seldom does. This one counts the pods of `kikai`, and notes the number
# in a config map. If there is one already (409), it changes that. If it is refused, it stops.


# %%
def tally(me):
    pods = me.get("/api/v1/namespaces/kikai/pods")
    if not pods.ok:
        return pods
    maps = "/api/v1/namespaces/kikai/configmaps"
    note = {"metadata": {"name": "tally"}, "data": {"pods": str(len(pods.items))}}
    made = me.post(maps, note)
    if made.status == 409:
        return me.patch(f"{maps}/tally", note)
    return made


# %% [markdown]
# It runs as an account of its own, with a role that somebody guessed: `list` and `watch` on pods, and `list` on Secrets.

# %%
lab.apply("06-test-the-policy/T05-account-tally")
as_tally = lab.as_service_account("kikai/tally")
tally(as_tally)

# %% [markdown]
# Refused. What it would have asked for *next* you cannot see: **a refusal hides the needs behind it**. So let it run with
# all rights once (at work, on a cluster made for such runs), and judge each request by the role that it is to have.
#
# **Predict** for each of these: `"used"` (it has it, and asks for it), `"missing"` (it lacks it) or `"unused"` (it has it,
# and never asks): `list pods`, `create configmaps`, `patch configmaps`, `list secrets`.

# %%
# predict("T5", {"list pods": "…", "create configmaps": "…", "patch configmaps": "…", "list secrets": "…"})
### BEGIN SOLUTION
guesses = {"list pods": "used", "create configmaps": "missing"}
predict("T5", guesses | {"patch configmaps": "missing", "list secrets": "unused"})
### END SOLUTION

# %% [markdown]
# All rights in `kikai`, and none elsewhere, by a role binding to `cluster-admin`:

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
# The report compares what was asked with what the *file* gives:

# %%
lab.policy("06-test-the-policy/T05-account-tally").used_by("kikai/tally")

# %%
check("T5")

# %% [markdown]
# The first run creates the config map, only the second finds it and changes it. So a report holds for what was tried: on
# a bad day a program may need more.

# %% [markdown]
# ## T6 · The least role, and what keeps it
#
# **Your turn:** first take the binding with all rights away, `tally-all` in `kikai`. Then change the role `tally`: what
# the report says is missing comes in, what is unused goes out. The frame:
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
# **Your turn:** and does the program still work? Take its config map away, and let it run twice.

# %%
### BEGIN SOLUTION
lab.admin.delete("/api/v1/namespaces/kikai/configmaps/tally")
tally(as_tally)
tally(as_tally)
### END SOLUTION

# %% [markdown]
# Next year somebody will add a verb "to be sure". Questions notice it. The lab's file has the least policy:

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
# not do to pods, config maps and Secrets.

# %%
### BEGIN SOLUTION
kept += """
- who: kikai/tally
  may not: [watch pods in kikai, delete pods in kikai, create pods in kikai]
- {who: kikai/tally, may not: list pods in darbo}
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
# Compare your role with the least one that the report can write:

# %%
lab.policy("06-test-the-policy/T05-account-tally").used_by("kikai/tally", least=True)

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
# > They read manifests, or a cluster, and ask about every verb. See "Test a policy" in labkit's documentation.
#
# </details>

# %% [markdown]
# <details>
# <summary>The log that the report reads</summary>
#
# > The API server writes an *audit event* for each request, also for a refused one: who asked, the verb, the object,
# > the decision and the binding behind it. After `--as` it has both names: who really asked is `user`, the other one
# > `impersonatedUser`. An *audit policy* says how much is written. Its first rule that fits a request decides the level:
# > `Metadata` (no bodies), `Request` (with what was sent) or `RequestResponse` (with the answer as well). Secrets
# > belong to `Metadata`, or their values are in the log.
#
# </details>

# %% [markdown]
# ## Five questions on this part
#
# Each comes back after 1, 7 and 30 days, at the beginning of a part: sooner if it was wrong.

# %%
drill(part=6)

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
# 1. A question about what does not exist says nothing.
# 2. Positive questions find what is missing, only negative ones what is too much.
# 3. A change is what it does to everybody who is bound to the role.
# 4. A refusal hides the needs behind it. A run shows those of what was tried.
#
# **Read on:**
# <https://kubernetes.io/docs/reference/access-authn-authz/rbac/>,
# <https://kubernetes.io/docs/concepts/security/rbac-good-practices/>,
# <https://kubernetes.io/docs/reference/access-authn-authz/authorization/>

# %% [markdown]
# ## Clean up (optional)
#
# This brings the cluster back to its beginning. Your passes are kept. Remove the `#` to run it.

# %%
# lab.reset()

# %% [markdown]
# **Alone:** in [exercise 7](exercises/ex7-test-the-policy.ipynb) you write questions, and in
# [exercise 6](exercises/ex6-final.ipynb) you repair four pods. The words of this lab are in the
# [glossary](99-glossary.ipynb).
