"""Links to pictures: what gets into one, and the page that draws it without a kernel."""

from __future__ import annotations

import json
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from kube_embedded.rbac.objects import GROUP
from labkit.backends.page import Page as LabkitPage
from labkit.core import page as core_page
from labkit.core.errors import UsageError
from labkit.lab.lab import Lab
from labkit.ui.graph import RBACGraph
from labkit.ui.matrix import AccessMatrix
from labkit.ui.share import Shareable
from labkit.ui.xray import XRay
from tests.browser.test_widgets import axe
from tools import site_pages
from tools.site_server import StaticSite, served

REFUSED = "This is no picture of labkit"
EMBEDDING = '<!doctype html><title>A page</title><iframe title="A picture" width="700" height="600"></iframe>'


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(home=tmp_path_factory.mktemp("home"), node=False, say=lambda _line: None)
    lab.apply("04-roles/W14-namespaces.yaml")
    lab.apply(
        [
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": "test", "namespace": "kikai"},
            },
            *(
                {
                    "apiVersion": f"{GROUP}/v1",
                    **each,
                    "metadata": {"name": "reader", "namespace": "kikai"},
                }
                for each in (
                    {
                        "kind": "Role",
                        "rules": [
                            {"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}
                        ],
                    },
                    {
                        "kind": "RoleBinding",
                        "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": "reader"},
                        "subjects": [
                            {"kind": "ServiceAccount", "name": "test", "namespace": "kikai"}
                        ],
                    },
                )
            ),
        ]
    )
    yield lab
    lab.stop()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StaticSite]:
    """The pictures' part of the site, and a page of somebody else's that has one in a frame."""
    folder = tmp_path_factory.mktemp("site")
    site_pages.add_share(folder)
    (folder / "embedding.html").write_text(EMBEDDING)
    (folder / "icon-120x120.png").write_bytes(b"")
    with served(folder) as server:
        yield server


@pytest.fixture
def page(browser: Any) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    assert page.errors == []
    page.close()


def widgets(lab: Lab) -> dict[str, Shareable]:
    answer = lab.as_service_account("kikai/test").get("/api/v1/namespaces/kikai/secrets")
    return {
        "xray": XRay(answer, lab),
        "graph": RBACGraph(lab, namespace="kikai", who="kikai/test", request="list services"),
        "matrix": AccessMatrix(lab, ["kikai/test"], ["list services", "list secrets"], "kikai"),
    }


def opened(page: Page, host: StaticSite, fragment: str) -> Page:
    """The page of a link; it is another document than the one before."""
    page.goto("about:blank")
    page.goto(f"{host.url}share.html#{fragment}")
    expect(page.locator("body")).to_have_attribute("data-ready", "yes")
    return page


def decoded(link: str) -> Any:
    text = link.partition("#")[2]
    return json.loads(zlib.decompress(urlsafe_b64decode(text + "=" * (-len(text) % 4)), wbits=-15))


def encoded(document: object) -> str:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    deflate = zlib.compressobj(9, wbits=-15)
    return urlsafe_b64encode(deflate.compress(data) + deflate.flush()).decode().rstrip("=")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_picture_is_drawn_as_its_widget_is(
    browser: Any, host: StaticSite, lab: Lab, theme: str
) -> None:
    context = browser.new_context(viewport={"width": 1000, "height": 800}, color_scheme=theme)
    page = context.new_page()
    seen = {"xray": "no rule allows it", "graph": "granted by the marked path", "matrix": "✓ yes"}
    for name, widget in widgets(lab).items():
        opened(page, host, widget.link(host.url).partition("#")[2])
        expect(page.locator(f".lk-{name}")).to_contain_text(seen[name])
        found = page.evaluate(
            f"async () => {{ {axe()}; return (await axe.run(document)).violations }}"
        )
        assert [each["help"] for each in found if each["impact"] in ("serious", "critical")] == []
        assert page.get_by_role("link", name="Open in the lab").get_attribute("href") == (
            f"lab/index.html#shared={page.url.partition('#')[2]}"
        )
    page.get_by_role("button", name="list secrets, forbidden").click()
    expect(page.locator(".lk-notice")).to_contain_text("no cluster is behind it")
    context.close()


def test_a_picture_stands_in_other_peoples_pages(page: Page, host: StaticSite, lab: Lab) -> None:
    page.goto(f"{host.url}embedding.html".replace("127.0.0.1", "localhost"))
    show = "(link) => { document.querySelector('iframe').src = link; }"
    page.evaluate(show, widgets(lab)["graph"].link(host.url))
    frame = page.frame_locator("iframe")
    expect(frame.locator(".lk-graph path").first).to_be_attached()
    frame.locator(".lk-node", has_text="reader").first.click()
    expect(frame.locator("button.lk-picked").first).to_be_visible()
    page.evaluate(show, f"{host.url}share.html#x")
    expect(frame.locator("#refused")).to_contain_text(REFUSED)


def hostile(good: dict[str, Any]) -> dict[str, str]:
    """Fragments that are not pictures, by their fault."""
    stage = {"title": "TLS", "state": "pass", "facts": []}
    deep: Any = "x"
    for _ in range(200):
        deep = [deep]
    xray = {"title": "GET /api → 200", "source": "", "stages": [stage]}
    good = {**good, "picture": "xray", "data": xray}
    return {
        "nothing": "",
        "no base64": "%3Cscript%3E",
        "not deflated": "AAAA",
        "no JSON": encoded(b"{"),
        "another value": encoded([]),
        "a newer version": encoded({**good, "version": 2}),
        "another widget": encoded({**good, "picture": "../drill"}),
        "a field of another type": encoded({**good, "data": {**xray, "title": {"toString": "x"}}}),
        "a state that is none": encoded(
            {**good, "data": {**xray, "stages": [{**stage, "state": "__proto__"}]}}
        ),
        "deep": encoded({**good, "data": {**xray, "stages": deep}}),
        "deep JSON": encoded(b"[" * 200_000 + b"]" * 200_000),
        "long text": encoded({**good, "data": {**xray, "title": "x" * 5000}}),
        "long list": encoded({**good, "data": {**xray, "stages": [stage] * 2000}}),
        "much behind little": encoded(b" " * 20_000_000),
        "another kind": encoded({**good, "policy": [{"kind": "Pod", "metadata": {"name": "x"}}]}),
        "a policy without names": encoded({**good, "policy": [{"kind": "Role", "metadata": {}}]}),
        "too long": "A" * 40_000,
    }


def test_hostile_fragments_are_refused_in_words(page: Page, host: StaticSite, lab: Lab) -> None:
    good = decoded(widgets(lab)["xray"].link(host.url))
    opened(page, host, encoded(good))
    expect(page.locator(".lk-xray")).to_be_visible()
    for what, fragment in hostile(good).items():
        opened(page, host, fragment)
        assert REFUSED in page.locator("#refused").inner_text(), what
        assert page.locator("#picture *").count() == 0, what
        assert page.get_by_role("link", name="Open in the lab").count() == 0, what


def test_markup_in_a_fragment_is_text(page: Page, host: StaticSite, lab: Lab) -> None:
    markup = "<img src=x onerror='window.hit=1'><script>window.hit=1</script>"
    document = decoded(widgets(lab)["xray"].link(host.url))
    document["data"]["title"] = document["data"]["source"] = markup
    document["data"]["stages"][0]["facts"] = [[markup, markup]]
    document["data"]["more"] = {"onclick": "window.hit=1"}
    opened(page, host, encoded(document))
    expect(page.locator("#picture h3")).to_have_text(markup)
    assert page.locator("#picture :is(img, script)").count() == 0
    assert page.evaluate("() => window.hit") is None


def test_a_new_fragment_in_the_same_page_is_drawn(page: Page, host: StaticSite, lab: Lab) -> None:
    links = {name: widget.link(host.url) for name, widget in widgets(lab).items()}
    opened(page, host, links["xray"].partition("#")[2])
    page.evaluate("(link) => location.replace(link)", links["matrix"])
    expect(page.locator(".lk-matrix")).to_be_visible()
    expect(page.locator(".lk-xray")).to_have_count(0)


NOTEBOOK = """async (text) => {
    const { readPicture, notebookOf } = await import("./share/link.js");
    return notebookOf((await readPicture(text)).policy);
}"""


def test_the_policy_is_loaded_into_another_cluster_and_overwrites_nothing(
    page: Page, host: StaticSite, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = widgets(lab)["xray"].link(host.url)
    notebook = opened(page, host, link.partition("#")[2]).evaluate(NOTEBOOK, link.partition("#")[2])
    source = notebook["cells"][1]["source"]
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path))
    other = Lab(node=False, say=lambda _line: None)
    role = f"/apis/{GROUP}/v1/namespaces/kikai/roles/reader"
    other.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kikai"}})
    other.admin.post(role.rpartition("/")[0], {"metadata": {"name": "reader"}, "rules": []})
    exec(source, {})
    assert not other.admin.get(role).body.get("rules")
    assert other.admin.get(role.replace("roles", "rolebindings")).status == 200
    assert (
        other.as_service_account("kikai/test").get("/api/v1/namespaces/kikai/services").status
        == 403
    )
    other.admin.delete(role)
    exec(source, {})
    assert (
        other.as_service_account("kikai/test").get("/api/v1/namespaces/kikai/services").status
        == 200
    )
    other.stop()


def test_no_token_and_no_key_get_into_a_link(lab: Lab) -> None:
    caller = lab.as_service_account("kikai/test")
    token = caller.credentials.token
    answer = caller.get(
        f"/api/v1/namespaces/kikai/secrets?labelSelector=password%3Dhunter2&token={token}"
    )
    shown = XRay(answer, lab)
    kind = "RSA PRIVATE KEY"  # apart, so that nobody who looks for keys finds one here
    key = f"-----BEGIN {kind}-----\nMIIE\n-----END {kind}-----"
    shown.data = {
        **shown.data,
        "source": f"{token} {key}",
        "credentials": token,
        "explanation": {"token": token},
    }
    document = decoded(shown.link("https://example.org/labkit"))
    text = json.dumps(document)
    assert token.rpartition(".")[2] not in text
    assert "MIIE" not in text
    assert "hunter2" not in text
    assert set(document["data"]) == {"title", "source", "stages", "explanation"}
    assert document["data"]["explanation"] == {}
    metadata = {key for each in document["policy"] for key in each["metadata"]}
    assert metadata == {"name", "namespace"}


def test_a_link_needs_a_site_and_has_an_end(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = widgets(lab)["xray"]
    with pytest.raises(UsageError, match="Which site draws it"):
        shown.link()
    monkeypatch.setattr(core_page, "current", LabkitPage(site="https://example.org/course/"))
    assert shown.link().startswith("https://example.org/course/share.html#")
    many = [
        {"title": f"{number} {hash((number, 7))}", "state": "pass", "facts": []}
        for number in range(9000)
    ]
    shown.data = {**shown.data, "stages": many}
    with pytest.raises(UsageError, match="too much for a link"):
        shown.link("https://example.org/labkit/")


REST = """async (objects) => (await import("./share/link.js")).notebookOfRest(objects)"""


def test_the_rest_of_a_damaged_cluster_is_created_and_overwrites_nothing(
    page: Page, host: StaticSite, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = 'true\nit\'s: null,\n "no": false \\ \u2028 \ud55c'
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "mine", "namespace": "lost"},
    }
    objects: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kikai"}},
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "test", "namespace": "kikai"},
        },
        {**config, "immutable": True, "data": {"text": text, "true": "true"}},
        {**config, "kind": "Nothing"},
    ]
    objects[1]["automountServiceAccountToken"] = False
    notebook = opened(page, host, "").evaluate(REST, objects)
    assert [each["cell_type"] for each in notebook["cells"]] == ["markdown", "code"]
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path))
    other = Lab(node=False, say=lambda _line: None)
    other.apply({**objects[0], "metadata": {"name": "kikai", "labels": {"mine": "yes"}}})
    code, _, load = notebook["cells"][1]["source"].rpartition("\n")
    names: dict[str, Any] = {}
    exec(code, names)
    left = eval(load, names)
    assert len(left) == 2
    assert left[0] == "Namespace kikai is another one here."
    assert left[1].startswith("Nothing lost/mine: The cluster serves no Nothing in v1.")
    made = other.admin.get("/api/v1/namespaces/lost/configmaps/mine").body
    assert (made["data"], made["immutable"]) == ({"text": text, "true": "true"}, True)
    account = other.admin.get("/api/v1/namespaces/kikai/serviceaccounts/test").body
    assert account["automountServiceAccountToken"] is False
    other.stop()


APP = """() => {
    const contents = {
        get: async () => ({ content: [{ name: "rest.ipynb" }] }),
        save: async (path, { content }) => { window.saved = [path, content.cells.length]; },
    };
    window.jupyterapp = {
        restored: Promise.resolve(),
        serviceManager: { contents },
        commands: { execute: async (...all) => { window.did = all; }, commandExecuted: { connect: () => {} } },
    };
}"""


def test_the_rest_is_offered_in_a_notice(page: Page, host: StaticSite) -> None:
    script = (site_pages.SOURCES / "loading.js").read_text(encoding="utf-8")
    script = re.sub(r"{{(tokens|front|total)}}", "1", script)  # what the site's build puts in
    page.route(
        "**/static/loading.js",
        lambda route: route.fulfill(body=script, content_type="text/javascript"),
    )
    html = '<!doctype html><title>Lab</title><script src="static/loading.js"></script>'
    page.route("**/lab.html", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{host.url}lab.html")
    objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kikai"}}]
    site = page.evaluate("location.pathname").removesuffix("lab.html")
    key = f"labkit:{site}rest"
    message = {"what": "rest", "text": json.dumps(objects)}
    page.evaluate(
        "([name, message]) => new BroadcastChannel(name).postMessage(message)",
        [f"labkit:{site}", message],
    )
    notice = page.locator("#labkit-rest")
    expect(notice).to_contain_text("1 of your objects could still be read.")
    page.reload()
    expect(notice).to_contain_text("1 of your objects could still be read.")
    page.evaluate(APP)
    notice.get_by_role("button", name="Open them").click()
    page.wait_for_function("window.did")
    assert page.evaluate("[window.saved, window.did]") == [
        ["rest-2.ipynb", 2],
        ["docmanager:open", {"path": "rest-2.ipynb"}],
    ]
    expect(notice).to_have_count(0)
    page.wait_for_function("(key) => localStorage.getItem(key) === null", arg=key)
    page.evaluate(
        "([name, message]) => new BroadcastChannel(name).postMessage(message)",
        [f"labkit:{site}", message],
    )
    expect(notice).to_have_count(1)
    assert page.evaluate("(key) => localStorage.getItem(key)", key) == message["text"]
    notice.get_by_role("button", name="Close").click()
    assert page.evaluate("(key) => localStorage.getItem(key)", key) is None
