"""The lab in the page: the first visit, stored state, other tabs, a full or missing storage, no network."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from kube_embedded.tests.support.some import some
from tests.browser.jupyter import KERNEL, SECONDS
from tests.page.site.browsers import refuse_other_hosts
from tests.page.site.conftest import SITE
from tests.page.site.lab import SitePage
from tests.support.chromium import FLAGS, chromium
from tools.notebooks import notebook, sources
from tools.site import MOST_TO_BEGIN
from tools.site_server import StaticSite, served

pytestmark = pytest.mark.page

START = "from labkit import Lab, check, predict\nlab = Lab()"
MAKE = 'lab.apply({{"apiVersion": "v1", "kind": "Namespace", "metadata": {{"name": "{0}"}}}})'
CLIENT = "kubernetes.client.api.apis_api"
IMPORTED = "import sys; print({0!r} in sys.modules)"
IS_THERE = 'print(lab.admin.get("/api/v1/namespaces/{0}").status)'


def test_the_first_visit_loads_little_from_one_host_and_says_so(browser: Any) -> None:
    context = browser.new_context(service_workers="block")  # which would fetch the rest of the site
    refuse_other_hosts(context)
    with served(SITE) as host:
        page = SitePage(context.new_page(), host)
        page.page.goto(host.url)
        page.page.get_by_role("link", name="Open the lab").click()
        expect(page.page.locator("#labkit-loading progress")).to_be_visible()
        page.ready("00-start.ipynb")
        page.page.locator(".jp-Notebook .jp-CodeCell").first.click()
        page.page.keyboard.press("Shift+Enter")
        page.page.locator(".jp-OutputArea-output").first.wait_for()
        until_it_ran = list(host.sent)
        page.run("import kubernetes")
        expect(page.page.locator("#labkit-loading")).to_have_count(
            0
        )  # later reports are not part of the start
    expect(page.page.locator("#labkit-loading")).to_have_count(0)
    assert not [
        output
        for outputs in page.outputs()
        for output in outputs
        if output["output_type"] == "error"
    ]
    assert page.elsewhere() == []
    assert sum(size for _, size in until_it_ran) < MOST_TO_BEGIN, sorted(
        until_it_ran, key=lambda each: each[1]
    )[-9:]
    context.close()


def test_a_reload_in_the_middle_loses_nothing(site_page: SitePage) -> None:
    site_page.begin("reload", [START, MAKE.format("before"), 'predict("W15", "forbidden")'])
    site_page.run_all()
    made = site_page.run(
        "print(lab.admin.get('/api/v1/namespaces/before').body['metadata']['uid'])"
    )
    site_page.page.reload()
    site_page.ready("reload.ipynb")
    site_page.run(START)
    again = site_page.run(
        "print(lab.admin.get('/api/v1/namespaces/before').body['metadata']['uid'])"
    )
    assert made == again
    assert len(made.strip()) == len("00000000-0000-4000-8000-000000000000")
    assert "You predicted" in site_page.run("print(check('W15'))")


@pytest.mark.soak
def test_a_link_opens_its_notebook_alone(stranger: BrowserContext, host: StaticSite) -> None:
    page = SitePage(stranger.new_page(), host)
    page.open("00-start.ipynb")
    page.page.evaluate(
        "() => window.jupyterapp.commands.execute('docmanager:open', { path: '01-api-server.ipynb' })"
    )
    page.ready("01-api-server.ipynb")
    page.page.wait_for_timeout(3000)  # JupyterLab stores its layout a while after the last change
    page.page.reload()
    page.ready("01-api-server.ipynb")
    assert page.open_notebooks() == ["00-start.ipynb", "01-api-server.ipynb"]
    page.open("02-inside-a-pod.ipynb")
    assert page.open_notebooks() == ["02-inside-a-pod.ipynb"]


@pytest.mark.soak
def test_at_the_second_visit_python_starts_with_the_page(site_page: SitePage) -> None:
    site_page.open("00-start.ipynb")
    [early] = [worker.url for worker in site_page.page.workers]
    assert early.endswith("/early.mjs")
    site_page.run(START)
    site_page.page.evaluate(f"() => {KERNEL}.restart()")
    site_page.run("pass")
    [plain] = [worker.url for worker in site_page.page.workers]
    assert "comlink.worker" in plain
    site_page.run(START)
    assert site_page.run(IS_THERE.format("default")) == "200\n"


@pytest.mark.soak
def test_two_tabs_share_one_lab_and_say_so(shared: BrowserContext, host: StaticSite) -> None:
    one = SitePage(shared.new_page(), host)
    one.begin("one", [START])
    one.run_all()
    two = SitePage(
        shared.new_page(), host
    )  # in front of the other, which is not drawn from here on
    two.begin("two", [START])
    two.run_all()
    one.run(MAKE.format("from-one"))
    assert "goes on from there" in two.run(IS_THERE.format("from-one"))
    two.run(MAKE.format("from-two"))
    said = one.run(IS_THERE.format("from-two"))
    assert "goes on from there" in said
    assert "200" in said
    assert one.run(IS_THERE.format("from-one")) == "200\n"
    # A long cell holds the lab; the other tab's cell waits, with a notice.
    one.page.evaluate("""() => { window.slow = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
        .requestExecute({ code: "import asyncio; await asyncio.sleep(6)" }).done; }""")
    two.page.evaluate("""() => { window.waits = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
        .requestExecute({ code: "1" }).done; }""")
    expect(two.page.locator("#labkit-waits")).to_contain_text("another notebook or tab is running")
    two.page.evaluate("() => window.waits")
    expect(two.page.locator("#labkit-waits")).to_have_count(0)
    one.page.close()
    two.page.close()


FULL = """
const put = IDBObjectStore.prototype.put;
let full = false;
new BroadcastChannel("full").onmessage = ({ data }) => { full = data; };
IDBObjectStore.prototype.put = function (...given) {
  if (full) throw new DOMException("no room", "QuotaExceededError");
  return put.apply(this, given);
};
"""
"""What a browser does whose storage is full: Chromium's own limit takes effect only after half a minute."""


def with_storage(context: BrowserContext, before: str) -> None:
    """Run a script before the lab's storage, in the kernel's worker."""
    source = (SITE / "static" / "pyodide" / "storage.mjs").read_text(encoding="utf-8")
    context.route(
        "**/storage.mjs",
        lambda route: route.fulfill(body=before + source, content_type="text/javascript"),
    )


@pytest.mark.soak
def test_a_full_storage_says_so_and_is_used_again_when_there_is_room(
    browser: Any, host: StaticSite
) -> None:
    context = browser.new_context(service_workers="block")
    refuse_other_hosts(context)
    with_storage(context, FULL)
    page = SitePage(context.new_page(), host)
    page.begin("full", [START])
    page.run_all()
    page.page.evaluate(
        "() => { window.room = new BroadcastChannel('full'); window.room.postMessage(true); }"
    )
    page.run(MAKE.format("unkept"))
    expect(page.page.locator("#labkit-full")).to_contain_text("no more room")
    assert page.run(IS_THERE.format("unkept")) == "200\n"
    page.page.evaluate("() => window.room.postMessage(false)")
    page.run(MAKE.format("kept-again"))
    expect(page.page.locator("#labkit-full")).to_have_count(0)
    page.page.reload()
    page.ready("full.ipynb")
    page.run(START)
    assert page.run(IS_THERE.format("unkept")) == "200\n"
    context.close()


COUNTS = """
const put = IDBObjectStore.prototype.put;
const counts = new BroadcastChannel("counts");
IDBObjectStore.prototype.put = function (value, key) {
  if (Array.isArray(key)) counts.postMessage(value.length);
  return put.call(this, value, key);
};
"""
"""Tells the page how many bytes each kept block has."""


@pytest.mark.soak
def test_a_cell_writes_what_it_changed_of_the_snapshot(browser: Any, host: StaticSite) -> None:
    context = browser.new_context(service_workers="block")
    with_storage(context, COUNTS)
    page = SitePage(context.new_page(), host)
    page.page.goto(f"{page.lab}?reset")
    page.page.evaluate("""() => { window.written = 0;
        new BroadcastChannel("counts").onmessage = ({ data }) => { window.written += data; }; }""")
    page.begin("little", [START])
    page.run_all()
    whole = page.page.evaluate("() => window.written")
    assert whole > 1e6
    page.run(MAKE.format("little"))
    page.run(IS_THERE.format("little"))
    assert 0 < page.page.evaluate("() => window.written") - whole < whole / 3
    page.page.reload()
    page.ready("little.ipynb")
    page.run(START)
    assert page.run(IS_THERE.format("little")) == "200\n"
    context.close()


DAMAGE = """async () => {
    const done = (each) => new Promise((resolve) => { each.onsuccess = () => resolve(each.result); });
    const database = await done(indexedDB.open(`labkit:${new URL(".", location).pathname.replace(/lab.$/, "")}`));
    const store = database.transaction("lab", "readwrite").objectStore("lab");
    const block = await done(store.get(["snapshot", 2]));
    await done(store.put(new Uint8Array(block.length), ["snapshot", 2]));
    database.close();
}"""
"""Overwrites one block of the snapshot."""


@pytest.mark.soak
def test_a_damaged_block_loses_no_pass_and_the_rest_is_offered(
    stranger: BrowserContext, host: StaticSite
) -> None:
    page = SitePage(stranger.new_page(), host)
    page.begin("whole", [START, MAKE.format("comes-back"), "lab.progress.mark('W9', 'passed')"])
    page.run_all()
    page.page.evaluate(DAMAGE)
    page.page.reload()
    page.ready("whole.ipynb")
    expect(page.page.locator("#labkit-rest")).to_contain_text("objects could still be read")
    page.run(START)
    assert page.run(IS_THERE.format("comes-back")) == "404\n"
    page.page.locator("#labkit-rest").get_by_role("button", name="Open them").click()
    page.ready("rest.ipynb")
    page.run_all()
    assert page.run(IS_THERE.format("comes-back")) == "200\n"
    assert page.run("print(lab.progress.passed('W9'))") == "True\n"


@pytest.mark.soak
def test_without_storage_the_lab_works_and_says_that_nothing_lasts(
    browser: Any, host: StaticSite
) -> None:
    context = browser.new_context(service_workers="block")
    refuse_other_hosts(context)
    with_storage(context, "Object.defineProperty(globalThis, 'indexedDB', { value: undefined });\n")
    page = SitePage(context.new_page(), host)
    page.begin("nothing", [START, MAKE.format("short")])
    page.run_all()
    assert "your progress ends" in page.notice("memory")
    assert page.run(IS_THERE.format("short")) == "200\n"
    context.close()


def wait_for_import(page: SitePage, module: str) -> None:
    """Wait until a module is imported in the background."""
    for _ in range(60):
        if page.run(IMPORTED.format(module)) == "True\n":
            return
        page.page.wait_for_timeout(1000)
    pytest.fail(f"{module} was not imported")


@pytest.mark.soak
def test_it_works_without_network_after_the_first_visit(stranger: BrowserContext) -> None:
    host = StaticSite(SITE)
    serving = threading.Thread(target=host.serve_forever, daemon=True)
    serving.start()
    page = SitePage(stranger.new_page(), host)
    page.begin("away", [START, MAKE.format("online"), "import kubernetes; kubernetes.__version__"])
    page.wait_until_kept()
    page.run("lab")
    host.shutdown()
    host.server_close()
    page.page.goto(host.url)
    page.page.get_by_role("link", name="Open the lab").click()
    page.ready("00-start.ipynb")
    wait_for_import(page, "labkit.ui.graph")  # the last module that the notebooks use
    assert page.run(IMPORTED.format(CLIENT)) == "False\n"
    page.run('step = "W4"')
    wait_for_import(page, CLIENT)
    page.open("away.ipynb")
    page.run_all()
    assert page.run(IS_THERE.format("online")) == "200\n"
    assert (
        page.run("print(kubernetes.client.V1Pod.__name__)") == "V1Pod\n"
    )  # from the archive that no lesson needs


@pytest.mark.soak
def test_the_clients_archives_leave_the_memory_and_come_back(site_page: SitePage) -> None:
    source = next(each for each in sources() if each.stem == "01-api-server")
    uses = next(
        cell.source
        for cell in notebook(source).cells
        if cell.source.startswith("import kubernetes\n")
    )
    there = "import os; print([os.path.exists(f'/lib/{name}.zip') for name in ('client', 'client_rest')])"
    site_page.begin("archives", [START, uses])
    site_page.run_all()
    assert "'apps'" in site_page.run("print(_)")
    assert site_page.run(there) == "[True, False]\n"  # no lesson needs the larger one
    site_page.page.wait_for_timeout(5_000)  # more than labkit_page.ARCHIVE_SECONDS
    assert site_page.run(there) == "[False, False]\n"
    for module in (
        "requests_oauthlib.oauth2_auth",
        "idna.codec",
        "kubernetes.client.models.v1_deployment",
    ):
        name = f"import sys; sys.modules.pop({module!r}, None); import {module}; print('imported')"
        assert site_page.run(name) == "imported\n"
    assert site_page.run(there) == "[True, True]\n"
    namespaces = "print([each.metadata.name for each in kubernetes.client.CoreV1Api(client).list_namespace().items])"
    assert "'kube-system'" in site_page.run(namespaces)
    nonsense = "try:\n    import kubernetes.client.models.none\nexcept ModuleNotFoundError as error:\n    print(error)"
    assert site_page.run(nonsense) == "No module named 'kubernetes.client.models.none'\n"


@pytest.mark.soak
def test_widgets_by_mouse_and_keyboard(site_page: SitePage) -> None:
    site_page.begin(
        "widgets",
        [
            f"{START}\nfrom labkit.ui import *\n_ = lab.rewind('W15')",
            "PodTerminal(lab, 'kikai/test')",
            "Board(lab, '04-roles')",
            "XRay(lab.as_pod('kikai/test').get('/api/v1/namespaces/kikai/services'), lab)",
        ],
    )
    site_page.run_all()
    terminal = site_page.widget("terminal")
    terminal.get_by_role("textbox").fill("echo $((6*7)); false")
    site_page.page.keyboard.press("Enter")
    expect(terminal.get_by_role("log")).to_contain_text("42")
    expect(terminal.get_by_role("log")).to_contain_text("exit code 1")
    board = site_page.widget("board")
    board.get_by_role("button", name="Hint for W16").click()
    expect(board.locator(".lk-hint").first).not_to_be_empty()
    site_page.nothing_is_wrong()
    assert "cannot work in a page" in site_page.run("Lab(backend='kind')")
    assert "Nothing can be installed here" in site_page.run("%pip install numpy")


@pytest.mark.soak
def test_a_notebook_that_was_only_opened_is_not_changed(
    stranger: BrowserContext, host: StaticSite
) -> None:
    page = SitePage(stranger.new_page(), host)
    page.open("01-api-server.ipynb")
    page.page.wait_for_timeout(7000)  # more than the interval between two savings
    script = "async () => (await window.jupyterapp.serviceManager.contents.get('01-api-server.ipynb')).last_modified"
    assert (
        page.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.model.dirty")
        is False
    )
    served = json.loads((SITE / "api" / "contents" / "all.json").read_text())["content"]
    changed = {entry["path"]: entry["last_modified"] for entry in served}
    assert page.page.evaluate(script) == changed["01-api-server.ipynb"]


@pytest.mark.soak
def test_outputs_are_kept_within_seconds(site_page: SitePage) -> None:
    site_page.begin("seconds", ["print(6 * 7)"])
    site_page.run_all()
    site_page.page.wait_for_timeout(8000)  # more than the interval between two savings
    site_page.page.reload()
    site_page.ready("seconds.ipynb")
    assert any("42" in str(outputs) for outputs in site_page.outputs())


@pytest.mark.soak
def test_an_interrupt_says_that_it_cannot_work(site_page: SitePage) -> None:
    site_page.begin("interrupt", ["1"])
    site_page.page.locator('.jp-NotebookPanel [data-command="notebook:interrupt-kernel"]').click()
    expect(site_page.page.locator("#labkit-interrupt")).to_contain_text(
        "Restart the kernel instead"
    )
    site_page.page.locator("#labkit-interrupt").get_by_role("button", name="Close").click()
    expect(site_page.page.locator("#labkit-interrupt")).to_have_count(0)
    site_page.page.locator(".jp-Notebook .jp-InputPrompt").first.click()
    for key in "Escape", "i", "i":
        site_page.page.keyboard.press(key)
    expect(site_page.page.locator("#labkit-interrupt")).to_be_visible()


@pytest.mark.soak
def test_the_browser_is_asked_to_keep_it_once_there_is_something(
    stranger: BrowserContext, host: StaticSite
) -> None:
    stranger.add_init_script("""window.persisted = 0; navigator.storage.persisted = async () => false;
        navigator.storage.persist = async () => { window.persisted += 1; return true; };""")
    page = SitePage(stranger.new_page(), host)
    page.open("00-start.ipynb")
    assert page.page.evaluate("() => window.persisted") == 0
    page.run(START)
    page.run(MAKE.format("worth-keeping"))
    page.page.wait_for_function("() => window.persisted === 1")


@pytest.mark.soak
def test_from_the_landing_page_to_a_passed_check_by_keyboard(
    stranger: BrowserContext, host: StaticSite
) -> None:
    page = SitePage(stranger.new_page(), host)
    press = page.page.keyboard.press
    page.page.goto(host.url)
    for _ in range(10):
        if page.page.evaluate("() => document.activeElement.id") == "open":
            break
        press("Tab")
    press("Enter")
    page.ready("00-start.ipynb")
    for _ in range(10):  # JupyterLab's first links skip its menus
        if page.page.evaluate("() => document.activeElement.closest('.jp-Notebook') !== null"):
            break
        press("Tab")
        if "Skip to main panel" in page.page.evaluate("() => document.activeElement.textContent"):
            press("Enter")
    press("Escape")
    for key in "a", "Enter":  # a new cell above, to write in
        press(key)
    page.page.keyboard.insert_text(
        f'{START}\nlab.rewind("W9")\npredict("W9", "default")\n'
        'lab.admin.get("/api/v1/namespaces/default/serviceaccounts")\nprint(check("W9"))'
    )
    press("Shift+Enter")
    expect(page.page.locator(".jp-OutputArea-output", has_text="W9 passed")).to_be_visible(
        timeout=SECONDS
    )


@pytest.mark.soak
def test_a_phone_has_one_notebook_and_passes_a_check(browser: Any, host: StaticSite) -> None:
    context = browser.new_context(viewport={"width": 400, "height": 800}, service_workers="block")
    page = context.new_page()
    page.goto(host.url)
    page.get_by_role("link", name="Open the lab").click()
    cell = page.locator(".jp-Notebook .jp-CodeCell").first
    cell.wait_for(timeout=SECONDS)
    page.locator("#labkit-loading").wait_for(state="detached", timeout=SECONDS)
    cell.scroll_into_view_if_needed()
    assert (
        page.evaluate("() => document.querySelector('.jp-Notebook .jp-CodeCell').clientWidth") > 300
    )
    cell.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(
        f'{START}\nlab.rewind("W9")\npredict("W9", "default")\n'
        'lab.admin.get("/api/v1/namespaces/default/serviceaccounts")\ncheck("W9")'
    )
    page.keyboard.press("Shift+Enter")
    passed = page.locator(".jp-OutputArea-output", has_text="passed")
    passed.first.wait_for(timeout=SECONDS)
    assert passed.first.evaluate("(output) => output.getBoundingClientRect().right") <= 400
    context.close()


@pytest.mark.soak
def test_the_drill_fits_a_phone(browser: Any, host: StaticSite) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, service_workers="block")
    page = context.new_page()
    page.goto(f"{host.url}notebooks/index.html?path=00-start.ipynb")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=SECONDS)
    page.locator("#labkit-loading").wait_for(state="detached", timeout=SECONDS)
    page.evaluate("""() => {
      const { content } = window.jupyterapp.shell.currentWidget;
      content.activeCellIndex = content.widgets.findIndex(({ model }) => model.type === "code");
      content.activeCell.model.sharedModel.setSource("from labkit import drill\\ndrill()");
      return window.jupyterapp.commands.execute("notebook:run-cell");
    }""")
    drill = page.locator(".lk-drill")
    drill.get_by_role("button", name="Begin").click(timeout=SECONDS)
    drill.get_by_role("button", name="Forbidden", exact=True).click(timeout=SECONDS)
    drill.get_by_role("button", name="Next question").wait_for()
    for button in some(drill.get_by_role("button").all()):
        box = button.bounding_box()
        assert box
        assert box["height"] >= 24
        assert box["x"] + box["width"] <= 360
    assert page.evaluate("() => document.documentElement.scrollWidth") == 360
    assert drill.evaluate("(widget) => widget.scrollWidth - widget.clientWidth") == 0
    context.close()


@pytest.mark.soak
def test_a_links_policy_is_offered_and_opens_in_a_notebook_of_its_own(site_page: SitePage) -> None:
    site_page.begin("giver", [START])
    site_page.run_all()
    site_page.run("lab.apply('04-roles/W14-namespaces.yaml')")
    site_page.run(
        'lab.apply({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": [], '
        '"metadata": {"name": "shared", "namespace": "kikai"}})'
    )
    link = site_page.run(
        "from labkit.ui import RBACGraph; print(RBACGraph(lab, namespace='kikai').link())"
    ).strip()
    site_page.run("lab.reset()")
    assert link.startswith(f"{site_page.lab.removesuffix('lab/index.html')}share.html#")
    site_page.page.goto(link)
    with site_page.page.expect_popup() as opening:
        site_page.page.get_by_role("link", name="Open in the lab").click()
    lab = SitePage(opening.value, site_page.host)
    lab.page.get_by_role("button", name="Open it").click()
    lab.ready("shared.ipynb")
    assert lab.page.evaluate("() => location.hash") == ""
    lab.run_all()
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/kikai/roles/shared"
    assert lab.run(f"print(lab.admin.get({path!r}).status)") == "200\n"
    lab.page.close()


@pytest.mark.soak
def test_over_http_from_another_machine_it_works_and_says_what_it_lacks(
    browser: Any, host: StaticSite, tmp_path: Path
) -> None:
    flags = [*FLAGS, "--host-resolver-rules=MAP school.test 127.0.0.1"]
    context = browser.browser_type.launch_persistent_context(
        tmp_path, executable_path=chromium(), args=flags
    )
    page = SitePage(context.new_page(), host)
    url = host.url.replace("127.0.0.1", "school.test")
    page.lab = f"{url}lab/index.html"
    page.page.goto(url)
    assert page.page.evaluate("() => [isSecureContext, 'serviceWorker' in navigator]") == [
        False,
        False,
    ]
    expect(page.page.locator(".doors")).not_to_contain_text("without network")
    page.page.get_by_role("link", name="Open the lab").click()
    page.ready("00-start.ipynb")
    assert "does not work without network" in page.notice("insecure")
    page.run(START)
    page.run(MAKE.format("school"))
    page.page.reload()
    page.ready("00-start.ipynb")
    page.run(START)
    assert page.run(IS_THERE.format("school")) == "200\n"
    context.close()


@pytest.mark.soak
def test_without_promises_in_webassembly_it_works(browser: Any, host: StaticSite) -> None:
    context = browser.new_context(service_workers="block")
    with_storage(context, "delete WebAssembly.Suspending; delete WebAssembly.promising;\n")
    page = SitePage(context.new_page(), host)
    page.open("00-start.ipynb")
    assert page.run("import js; print(hasattr(js.WebAssembly, 'Suspending'))") == "False\n"
    page.run(START)
    assert page.run(IS_THERE.format("default")) == "200\n"
    page.run("import kubernetes")
    context.close()


def test_without_webassembly_a_sentence_says_so(
    browser: Any, host: StaticSite, tmp_path: Path
) -> None:
    flags = [*FLAGS, "--js-flags=--jitless"]
    context = browser.browser_type.launch_persistent_context(
        tmp_path, executable_path=chromium(), args=flags
    )
    page = context.new_page()
    page.goto(host.url)
    assert page.evaluate("() => typeof WebAssembly") == "undefined"
    expect(page.locator("#lacks")).to_contain_text("This browser has no WebAssembly")
    page.get_by_role("link", name="Open the lab").click()
    expect(page.locator("#labkit-webassembly")).to_contain_text(
        "This browser has no WebAssembly", timeout=SECONDS
    )
    context.close()
