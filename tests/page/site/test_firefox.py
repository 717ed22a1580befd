"""The page in Firefox: the first cell, a check, and what is kept for a second visit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.jupyter import KERNEL
from tests.support.firefox import Firefox
from tools.site_server import StaticSite

pytestmark = [pytest.mark.page, pytest.mark.soak]

RUN = """async (code) => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const future = kernel.requestExecute({ code, store_history: false });
    let text = "";
    future.onIOPub = ({ header, content }) => { text += content.text ?? content.evalue ?? ""; };
    await future.done;
    return text;
}"""
READY = f"window.jupyterapp?.shell?.currentWidget?.context?.path === '00-start.ipynb' && {KERNEL}?.status === 'idle'"
WORK = """from labkit import Lab, check, predict
lab = Lab()
lab.rewind("W9")
predict("W9", "default")
lab.admin.get("/api/v1/namespaces/default/serviceaccounts")
print(check("W9"))"""


def test_the_first_cell_a_check_and_a_second_visit(host: StaticSite, tmp_path: Path) -> None:
    with Firefox(tmp_path) as page:
        page.goto(host.url)
        page.evaluate("() => document.getElementById('open').click()")
        page.wait_for(READY)
        assert "W9 passed" in page.evaluate(RUN, WORK)
        page.goto(host.url)
        page.wait_for("document.getElementById('open').textContent.startsWith('Continue with')")
        page.goto(f"{host.url}lab/index.html?path=00-start.ipynb")
        page.wait_for(READY)
        assert "W9 passed" in page.evaluate(RUN, 'from labkit import Lab, check\nlab = Lab()\nprint(check("W9"))')
        assert page.evaluate("() => document.getElementById('labkit-memory')") is None
