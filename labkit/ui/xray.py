"""The request X-ray: one call on its way through the API server.

The facts come from the audit event with the answer's ``Audit-Id``. If the audit log cannot be read,
they come from the answer and a SubjectAccessReview.
"""

from typing import Any

from labkit.client.answer import Answer
from labkit.core.errors import UsageError
from labkit.core.html import render
from labkit.core.language import shown, text
from labkit.lab.stages import WORDS, question_of, stages
from labkit.rbac.explain import explain
from labkit.rbac.explaining import explanation_data, explanation_text
from labkit.rbac.policy import Api, PolicyUnreadable, read_policy

from .base import LabWidget, api_of, html_table
from .share import Shareable


class XRay(Shareable, LabWidget):
    """The stages of one call, and why it was allowed or forbidden.

    Args:
        answer: A call's answer, such as ``lab.as_pod("kikai/test").get(…)``.
        lab: The lab, or a caller who can list RBAC objects and create reviews.

    Raises:
        UsageError: ``answer`` has another type.
    """

    def __init__(self, answer: Answer, lab: Any) -> None:
        super().__init__()
        if not isinstance(answer, Answer):
            raise UsageError(
                text(
                    "An X-ray is made of an answer, and this is a value of the type {name}.",
                    type(answer).__name__,
                ),
                todo='Give what a caller got: XRay(lab.as_anonymous().get("/api"), lab)',
            )
        self._api: Api = api_of(lab)
        explanation: dict[str, Any] | None = None
        # After a 401 the request has no user and never reaches the authorizer, so an explanation
        # would be about a decision that was not made.
        if answer.status != 401:
            try:
                self._policy = read_policy(self._api)
                found = explain(self._api, question_of(answer), self._policy)
                explanation = explanation_data(found, self._policy)
            except PolicyUnreadable as error:
                self.notice = str(error)
        source = text("Read from the answer and a SubjectAccessReview (no audit log here).")
        self.data = {
            "title": f"{answer.method} {answer.path} → {answer.status}",
            "stages": stages(answer),
            "source": text("Read from the audit event {event}.", answer.audit_id)
            if answer.event
            else source,
            "explanation": explanation,
        }

    def as_text(self) -> str:
        """Return the stages, a line each, then the explanation."""
        lines = [self.data["title"]]
        for stage in self.data["stages"]:
            facts = "; ".join(f"{name}: {value}" for name, value in stage["facts"])
            lines.append(
                f"  {stage['title']:<15} {shown(WORDS[stage['state']]):<15} {facts}".rstrip()
            )
        if self.data["explanation"]:
            lines += ["", explanation_text(self.data["explanation"])]
        return "\n".join(lines)

    def as_html(self) -> str:
        """Return the stages as a table, then the explanation."""
        rows = [
            [
                stage["title"],
                WORDS[stage["state"]],
                "; ".join(f"{name}: {value}" for name, value in stage["facts"]),
            ]
            for stage in self.data["stages"]
        ]
        page = html_table(["stage", "state", "what is known"], rows, caption=self.data["title"])
        explanation = self.data["explanation"]
        return page + (
            render("text.html", text=explanation_text(explanation)) if explanation else ""
        )
