"""``junit.xml``: a suite for each submission, a test case for each task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from labkit.grading.result import Result


def write(results: Sequence[Result], folder: Path) -> None:
    """Write ``junit.xml``."""
    root = ElementTree.Element("testsuites", name="labkit")
    for result in results:
        _suite(root, result)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(folder / "junit.xml", encoding="utf-8", xml_declaration=True)


def _suite(root: ElementTree.Element, result: Result) -> None:
    failed = [task for task in result.score.tasks if task.most and not task.full]
    errors = 0 if result.complete else 1
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=f"{_text(result.learner)}/{result.exercise}",
        tests=str(len(result.score.tasks) + errors),
        failures=str(len(failed)),
        skipped=str(sum(not task.most for task in result.score.tasks)),
        errors=str(errors),
    )
    if errors:
        case = ElementTree.SubElement(suite, "testcase", classname=result.exercise, name="the notebook runs to its end")
        ElementTree.SubElement(case, "error", message=_text(result.outcome))
    for task in result.score.tasks:
        case = ElementTree.SubElement(suite, "testcase", classname=result.exercise, name=f"{task.id} {task.title}")
        if not task.most:
            ElementTree.SubElement(case, "skipped", message=_text(task.items[0].seen if task.items else "not judged"))
        elif not task.full:
            message = f"{task.points:g} of {task.most:g} points"
            failure = ElementTree.SubElement(case, "failure", message=message)
            lines = [f"{item.expected}: {item.seen}" for item in task.items if not item.ok]
            failure.text = _text("\n".join(lines))


def _text(text: str) -> str:
    """Text without the characters that XML cannot carry."""
    return "".join(char for char in text if char in "\t\n\r" or (ord(char) >= 32 and ord(char) not in (0xFFFE, 0xFFFF)))
