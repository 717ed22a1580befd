"""A prediction by buttons in JupyterLab: pressed, stored, and written into the cell."""

from __future__ import annotations

from tests.browser.jupyter import Jupyter, NotebookPage

START = "from labkit import Lab, check, predict\nlab = Lab()\n_ = lab.rewind('W15')\nlab.progress.forget()"
SOURCE = "(number) => window.jupyterapp.shell.currentWidget.content.widgets[number].model.sharedModel.getSource()"
ASK = "lab.as_pod('kikai/test').get('/api/v1/namespaces/kikai/services')"


def source(notebook: NotebookPage, number: int) -> str:
    return str(notebook.page.evaluate(SOURCE, number))


def stored(notebook: NotebookPage, step: str) -> str:
    return notebook.run(f"print(lab.progress.prediction('{step}'))").strip()


def test_a_press_predicts_and_writes_the_cell_which_then_says_the_same(
    notebook: NotebookPage, jupyter: Jupyter
) -> None:
    cells = [START, '# a comment stays\npredict("W15", "…")', ASK, 'check("W15")']
    notebook.open(jupyter.write("taps.ipynb", cells))
    notebook.run_all()
    taps = notebook.widget("taps")
    assert stored(notebook, "W15") == "None"
    taps.get_by_role("button", name="forbidden").click()
    taps.get_by_role("status").first.filter(has_text="Noted").wait_for()
    notebook.page.wait_for_function(f"({SOURCE})(1).includes('forbidden')")
    assert source(notebook, 1) == '# a comment stays\npredict("W15", "forbidden")'
    assert stored(notebook, "W15") == "forbidden"
    # The same answer once more, from the cell: no new guess, and the check has the prediction beside the answer.
    notebook.run_all()
    assert "first_guess" in notebook.run("print(lab.progress.entry('W15'))")
    verdict = notebook.page.locator(".jp-OutputArea").filter(has_text="predicted").last
    assert "forbidden" in verdict.inner_text()
    notebook.nothing_is_wrong()


def test_several_questions_by_keyboard_alone(notebook: NotebookPage, jupyter: Jupyter) -> None:
    cells = [START, 'predict("W19", {"kikai": "…", "darbo": "…"})']
    notebook.open(jupyter.write("keys.ipynb", cells))
    notebook.run_all()
    taps = notebook.widget("taps")
    for key in ("kikai:allowed", "darbo:forbidden"):
        button = taps.locator(f'[data-key="{key}"]')
        button.focus()
        notebook.page.keyboard.press("Enter")
        taps.locator(f'[data-key="{key}"][aria-pressed="true"]').wait_for()
        assert button.evaluate("(each) => each === document.activeElement")
    notebook.page.wait_for_function(f"({SOURCE})(1).includes('forbidden')")
    assert source(notebook, 1) == 'predict("W19", {"kikai": "allowed", "darbo": "forbidden"})'
    assert stored(notebook, "W19") == "{'kikai': 'allowed', 'darbo': 'forbidden'}"


def test_a_free_answer_is_typed(notebook: NotebookPage, jupyter: Jupyter) -> None:
    notebook.open(jupyter.write("free.ipynb", [START, 'predict("W8", "system:serviceaccount:…")']))
    notebook.run_all()
    taps = notebook.widget("taps")
    taps.get_by_role("textbox").fill("what is this?")
    notebook.page.keyboard.press("Enter")
    taps.locator(".lk-notice").filter(has_text="W8").wait_for()
    taps.get_by_role("textbox").fill("default:default")
    taps.get_by_role("button", name="Predict").click()
    notebook.page.wait_for_function(f"({SOURCE})(1).includes('default:default')")
    assert source(notebook, 1) == 'predict("W8", "default:default")'
