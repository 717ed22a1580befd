"""Write ``docs/evidence.md`` from the steps: what each is judged by, and which clients can give it."""

from __future__ import annotations

from pathlib import Path

from labkit.lessons import LESSONS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "evidence.md"

HEAD = """# What each step is judged by

This page is made from the steps themselves (`make notebooks`).

A step is judged by what the cluster saw, never by which tool asked. Three kinds of evidence count:

- **A request.** The audit log has every client's requests, on the embedded cluster and on kind. Who
  impersonates (`kubectl --as`) asks as the impersonated user. So has an existing
  cluster's, if `labkit up --audit-log FILE` names it. Without a log, what went through labkit counts: the
  lab's callers, its proxy, `lab.exec`, `labkit exec`.
- **A command in a pod.** `kubectl exec` and `labkit exec` leave the command in the request's address. Its
  exit code is known where labkit ran it. What is typed into a shell in a pod is not known: the
  requests it makes are seen in the log, but a call that fails before it reaches the server (W7) is not.
  Run such a call as a command of its own.
- **The state.** Steps that create something ask the cluster how it is now, and compare the whole policy
  with the one at the last reset: whoever was granted more than the walkthrough grants is named.

Evidence counts from the cluster's last reset or rewind, and a restarted kernel forgets nothing. The order does not
matter, but where a step asks again after a role or binding was made (W16, W17, W22 to W24, T4, T6): there only what
was asked since then counts. What `lab.apply` writes is the learner's, and so is what `can()` asks. What labkit itself
asks (checks, hints, widgets, resets) says so in its `User-Agent` and is no evidence; on kind it asks as the user
`labkit:lab`, whom the log leaves out. Nor is what a rewind created. A prediction after the answer passes too, but
is no first guess; `board()` counts those. No step that asks for a prediction passes without one, right or wrong. A
pass stays a pass, whichever check gave it.

What the audit log cannot say: the question behind `kubectl auth can-i` (the log has no bodies), so the call
itself is asked for. A proxy (W3) says for whom it asks, in the header `X-Forwarded-For`. On kind such a request
has two `sourceIPs`. On the embedded cluster both have one address, so its server notes the header in an
annotation. On a cluster without a log only labkit's own proxy is seen. A `-k` (W8) is seen where it stands in
the command, not in a script file, in what `eval` puts together, or in what is typed into a shell.

| step | judged by | given by | prediction |
|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = []
    for lesson in LESSONS:
        for step in lesson.steps:
            said = ""
            if step.prediction:
                said = (
                    ", ".join(f"`{word}`" for word in step.prediction.words)
                    or step.prediction.example
                )
            rows.append(f"| **{step.id}** {step.title} | {step.seen} | {step.by} | {said} |")
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
