"""The questions of a part in JupyterLab, by keyboard alone, and what is kept of them."""

from __future__ import annotations

from labkit.practice import review
from tests.browser.jupyter import Jupyter, NotebookPage

START = "from labkit import Lab, drill\nlab = Lab()\nlab.progress.forget()"


def test_three_questions_by_keyboard_alone(notebook: NotebookPage, jupyter: Jupyter) -> None:
    notebook.open(jupyter.write("review.ipynb", [START, "drill(before=4)"]))
    notebook.run_all()
    widget = notebook.widget("review")
    asked: list[str] = []
    widget.locator('[data-key="answer-0"]').focus()
    for number in range(1, review.BEFORE + 1):
        widget.get_by_role("heading", name=f"Question {number} of 3").wait_for()
        asked.append(widget.locator(".lk-ask").inner_text())
        assert widget.locator('[data-key="answer-0"]').evaluate(
            "(each) => each === document.activeElement"
        )
        notebook.page.keyboard.press("Enter")
        widget.locator(".lk-said").filter(has_text=":").wait_for()
        widget.locator('[data-key="next"]').focus()
        notebook.page.keyboard.press("Enter")
    widget.get_by_text("of 3 right.").wait_for()
    assert len(set(asked)) == 3
    kept = notebook.run("print(sorted(lab.progress.drill()['ideas']))")
    assert kept.count("fact:") == 3
    notebook.nothing_is_wrong()
