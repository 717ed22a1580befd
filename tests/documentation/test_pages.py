"""A copy of the official pages is walked: their manifests are applied, and changed sections named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.documentation import pages

OF_OURS = """---
title: Ours
---
{{% code_sample file="more.yaml" %}}

## Roles {#roles}

1. An indented one, and a comment in a block is no heading:

   ```yaml
   # ## no heading
   apiVersion: rbac.authorization.k8s.io/v1
   kind: Role
   metadata: {name: oven, namespace: bakery}
   rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
   ---
   apiVersion: rbac.authorization.k8s.io/v1
   kind: Role
   metadata: {name: bad, namespace: bakery}
   rules: [{apiGroups: [""], resources: [pods]}]
   ```

### Fragments

```yaml
rules: [{apiGroups: [""]}]
```

```yaml
apiVersion: old.example/v1
kind: Gone
metadata: {name: gone}
```
"""


@pytest.fixture
def website(tmp_path: Path) -> Path:
    file = tmp_path / pages.DOCS / pages.PAGES[0]
    file.parent.mkdir(parents=True)
    file.write_text(OF_OURS, encoding="utf-8")
    examples = tmp_path / "content/en/examples"
    examples.mkdir()
    (examples / "more.yaml").write_text("{apiVersion: v1, kind: Namespace, metadata: {name: more}}")
    return tmp_path


def test_each_manifest_of_a_page_is_applied(website: Path) -> None:
    walked = pages.walk(website, pages.PAGES[0])
    assert [(item.section, item.kind, item.name) for item in walked] == [
        ("Ours", "Namespace", "more"),
        ("Roles", "Role", "oven"),
        ("Roles", "Role", "bad"),
        ("Fragments", "Gone", "gone"),
    ]
    assert [item.refused for item in walked] == [
        "",
        "",
        'Role.rbac.authorization.k8s.io "bad" is invalid: rules[0].verbs: Required value: verbs must '
        "contain at least one value",
        "the server does not serve Gone of old.example/v1",
    ]


def test_a_changed_section_is_named(
    website: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(pages, "PINS", tmp_path / "sections.json")
    file = website / pages.DOCS / pages.PAGES[0]
    place = f"{pages.PAGES[0]}#User-facing roles"
    file.write_text("## User-facing Roles\n\nOne.\n", encoding="utf-8")
    assert pages.main([str(website)]) == 0
    assert f"Not compared with a copy yet: {place}" in capsys.readouterr().out
    pages.main([str(website), "--pin"])
    file.write_text("## User-facing Roles\n  One.\n", encoding="utf-8")
    capsys.readouterr()
    pages.main([str(website)])
    assert place not in capsys.readouterr().out
    file.write_text("## User-facing Roles\n\nTwo.\n", encoding="utf-8")
    pages.main([str(website)])
    assert f"Changed since our questions were written: {place}" in capsys.readouterr().out


def test_what_is_no_copy_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pages.main([str(tmp_path)]) == 2
    assert f"{tmp_path} has no content/en/docs" in capsys.readouterr().err


@pytest.mark.skipif("WEBSITE" not in os.environ, reason="no copy of the pages: set WEBSITE")
@pytest.mark.parametrize("page", pages.PAGES)
def test_the_manifests_of_the_official_pages_are_accepted(page: str) -> None:
    refused = [item for item in pages.walk(Path(os.environ["WEBSITE"]), page) if item.refused]
    assert refused == []
