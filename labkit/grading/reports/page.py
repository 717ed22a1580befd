"""``feedback/LEARNER.html``: what was seen, what was expected, and one hint, for the learner."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from labkit.grading.result import Result
from labkit.grading.score import Item, TaskScore

STYLE = """
:root { color-scheme: light dark; --yes: #146c2e; --no: #a8071a; --line: #c9ccd1; }
@media (prefers-color-scheme: dark) { :root { --yes: #81d998; --no: #ff9c9c; --line: #4a4f57; } }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; } pre { overflow-x: auto; } h3 { margin: 1.6rem 0 .4rem; }
ul { padding-left: 1.2rem; } li { margin: .3rem 0; }
.yes { color: var(--yes); font-weight: 600; } .no { color: var(--no); font-weight: 600; }
section { border-top: 1px solid var(--line); } dl { margin: .2rem 0 .2rem 1.2rem; }
dt { font-weight: 600; } dd { margin: 0 0 .2rem 1rem; }
"""


def write(results: Sequence[Result], folder: Path) -> None:
    """Write one page for each learner, with all their exercises."""
    place = folder / "feedback"
    place.mkdir(parents=True, exist_ok=True)
    learners: dict[str, list[Result]] = {}
    for result in results:
        learners.setdefault(result.learner, []).append(result)
    for learner, own in learners.items():
        (place / f"{learner}.html").write_text(page(learner, own), encoding="utf-8")


def page(learner: str, results: Sequence[Result]) -> str:
    """A learner's page."""
    body = "".join(_exercise(result) for result in results)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Feedback for {escape(learner)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>Feedback for {escape(learner)}</h1>{body}</main></body></html>\n"
    )


def _exercise(result: Result) -> str:
    score = result.score
    tasks = "".join(_task(task) for task in score.tasks)
    return (
        f"<section><h2>{escape(result.exercise)}: {score.points:g} of {score.most:g} points</h2>"
        f"<p>{escape(' '.join(filter(None, (result.outcome, result.omissions))))}</p>{tasks}{_output(result)}</section>"
    )


def _output(result: Result) -> str:
    if not result.output:
        return ""
    return f"<details><summary>What the notebook printed</summary><pre>{escape(result.output)}</pre></details>"


def _task(task: TaskScore) -> str:
    items = "".join(_item(item) for item in task.items if item.most or not item.ok)
    excess = "".join(f"<li>{escape(line)}</li>" for line in task.excess)
    more = f"<p>Granted beyond what the task asks for:</p><ul>{excess}</ul>" if excess else ""
    least = task.least_privilege
    told = f"<p>Least privilege: {100 * least:.0f} %.</p>" if least is not None else ""
    return f"<h3>{escape(task.id)} {escape(task.title)} — {_mark(task)}</h3><ul>{items}</ul>{told}{more}"


def _mark(task: TaskScore) -> str:
    if not task.most:
        return "not judged on this cluster"
    if task.full:
        return '<span class="yes">✓ full marks</span>'
    return f'<span class="no">✗ {task.points:g} of {task.most:g}</span>'


def _item(item: Item) -> str:
    if not item.judged:
        return f"<li>– {escape(item.expected)} ({escape(item.seen)})</li>"
    if item.ok:
        return f'<li><span class="yes">✓</span> {escape(item.expected)}</li>'
    return (
        f'<li><span class="no">✗</span> {escape(item.expected)}<dl><dt>Seen</dt><dd>{escape(item.seen)}</dd>'
        f"<dt>Hint</dt><dd>{escape(item.hint)}</dd></dl></li>"
    )
