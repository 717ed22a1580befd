"""The predictions of learners, in the words that people use."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kube_embedded.rbac.subjects import ACCOUNT_PREFIX
from labkit.client.prefix import Names
from labkit.core.display import Card, Displayable
from labkit.core.errors import UsageError
from labkit.core.language import text
from labkit.core.yaml_file import read_yaml

ALLOWED = "allowed"
FORBIDDEN = "forbidden"
UNAUTHORIZED = "unauthorized"

_WORDS: Mapping[str, Mapping[str, frozenset[str]]] = {
    name: {answer: frozenset(words) for answer, words in answers.items()}
    for name, answers in read_yaml(__file__, "predictions.yaml").items()
}
"""The answers of a kind of prediction, each with the words that mean it."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The prediction that a step asks for.

    Args:
        words: The possible answers, each with the words that mean it; none for a free text.
        labels: The questions, if there are several.
        form: For a free text: its form, as a regular expression.
        example: For a free text: a description of its form, in words.
    """

    words: Mapping[str, frozenset[str]]
    labels: tuple[str, ...] = ()
    form: str = ""
    example: str = ""

    def read(self, step: str, value: object) -> dict[str, str] | str:
        """Return a prediction in the step's own words.

        Args:
            step: Such as ``W19``, for the message.
            value: As the learner wrote it: a word, a status, a truth value, or one for each label.

        Returns:
            The word, or a word for each label.

        Raises:
            UsageError: It is not a possible answer; the message names the possible ones.
        """
        if not self.labels:
            if isinstance(value, Mapping):
                raise self._impossible(step, value)
            return self._word(step, value)
        # One word for several questions is an answer to each of them: "forbidden" for all.
        if not isinstance(value, Mapping):
            return dict.fromkeys(self.labels, self._word(step, value))
        labels = {label.lower(): label for label in self.labels}
        answers = {str(label).strip().lower(): answer for label, answer in value.items()}
        for label in answers:
            if label not in labels:
                raise UsageError(
                    text("{step} has no question “{value}”.", step, _short(label)),
                    todo=text("It asks: {labels}.", _listed(self.labels)),
                )
        # The step's own order, and its own spelling of the labels.
        return {
            label: self._word(step, answers[key]) for key, label in labels.items() if key in answers
        }

    def _word(self, step: str, value: object) -> str:
        said = str(value).strip().lower()
        if self.words:
            for word, same in self.words.items():
                if said in same:
                    return word
        # No other type: True or 403 would be a name by its letters.
        elif isinstance(value, str) and re.fullmatch(self.form, value.strip()):
            return value.strip()
        raise self._impossible(step, value)

    def _impossible(self, step: str, value: object) -> UsageError:
        if not self.words:
            todo = text("Predict {example}.", text(self.example))
            return UsageError(
                text("“{value}” is no answer to {step}.", _short(value), step), todo=todo
            )
        answers = _listed(list(self.words))
        todo = text("Predict {answers}.", answers)
        if self.labels:
            todo = text("Predict {answers} for each of {labels}.", answers, _listed(self.labels))
        return UsageError(
            text("“{value}” is no possible answer to {step}.", _short(value), step), todo=todo
        )


PLACEHOLDERS = ("…", "...")


def is_open(value: object) -> bool:
    """Return whether a prediction still has a placeholder in the place of an answer.

    Args:
        value: As in a notebook: ``"…"``, ``"system:serviceaccount:…"``, or one for each label.
    """
    if isinstance(value, Mapping):
        return any(is_open(answer) for answer in value.values())
    if not isinstance(value, str):
        return value is None
    return not value.strip() or value.strip().endswith(PLACEHOLDERS)


def decisions(*labels: str) -> Prediction:
    """A prediction of the server's decision, or of several."""
    return Prediction(_WORDS["decisions"], labels)


YES_OR_NO = Prediction(_WORDS["yes or no"])
SAME_OR_NOT = Prediction(_WORDS["same or not"])
USER = Prediction(
    {},
    form=r"(system:serviceaccount:)?[a-z0-9][a-z0-9.-]*[:/][a-z0-9][a-z0-9.-]*|system:[\w:-]+|[\w@.-]+",
    example="a user name, such as system:serviceaccount:NAMESPACE:NAME",
)
NAME = Prediction({}, form=r"[\w./:-]+", example="a name")


def is_user(names: Names, prediction: object, user: str) -> bool:
    """Return whether a prediction names a service account's user, with or without the prefix.

    Args:
        names: Maps the walkthrough's names to those on this cluster.
        prediction: Such as ``system:serviceaccount:default:kikai``, ``default:kikai`` or ``default/kikai``.
        user: The user the server saw.
    """
    said = str(prediction).strip().removeprefix(ACCOUNT_PREFIX).replace("/", ":")
    return names.user(f"{ACCOUNT_PREFIX}{said}") == user


def decision_of(status: int) -> str:
    """Return the permission that an HTTP status implies.

    A 404 or a 409 counts as allowed: the server returns it only after authorization.
    """
    # The order of kube-apiserver's filters: authentication, authorization, then everything else.
    return {401: UNAUTHORIZED, 403: FORBIDDEN}.get(status, ALLOWED)


def with_status(decision: str) -> str:
    """A decision with its HTTP status: ``403 forbidden``."""
    status = {UNAUTHORIZED: "401", FORBIDDEN: "403"}.get(decision, "")
    return f"{status} {decision}".strip()


@dataclass(frozen=True, repr=False)
class Noted(Displayable):
    """A stored prediction.

    Args:
        step: Such as ``W15``.
        prediction: In the step's own words.
    """

    step: str
    prediction: Mapping[str, str] | str

    def card(self) -> Card:
        """The prediction in a line."""
        said = in_words(self.prediction)
        return Card(text("{step} noted: {prediction}", self.step, said), "plain", [])


def in_words(prediction: object) -> str:
    """Return a prediction in a line: ``forbidden``, or ``kikai: allowed; darbo: forbidden``."""
    if isinstance(prediction, Mapping):
        return "; ".join(f"{label}: {word}" for label, word in prediction.items())
    return str(prediction)


def _listed(words: Sequence[str]) -> str:
    quoted = [f'"{word}"' for word in words]
    return (
        quoted[0]
        if len(quoted) == 1
        else text("{most} or {last}", ", ".join(quoted[:-1]), quoted[-1])
    )


def _short(value: object) -> str:
    said = str(value)
    return said if len(said) <= 60 else f"{said[:59]}…"
