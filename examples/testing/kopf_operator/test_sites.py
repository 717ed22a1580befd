import kopf
import pytest
from kopf.testing import KopfRunner

SITE = """
apiVersion: example.com/v1
kind: Site
metadata: {name: blog, namespace: web}
spec: {title: Hello}
"""
# The rule that rbac.yaml lacks.
WRITER = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: writer}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: writer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: writer}
subjects: [{kind: ServiceAccount, name: operator, namespace: web}]
"""


@pytest.mark.parametrize("more", [WRITER, ()], ids=["complete", "as it is"])
def test_a_site_gets_its_page(cluster, monkeypatch, more):
    account = cluster.account("web/operator", manifests=["definition.yaml", "rbac.yaml", more])
    monkeypatch.setenv("KUBECONFIG", account.kubeconfig)
    cluster.apply(SITE)
    settings = kopf.OperatorSettings()
    settings.queueing.exit_timeout = 0  # kopf waits for two seconds for a handler that failed
    with KopfRunner(["run", "--standalone", "-n", "web", "sites.py"], settings=settings):
        page = account.until(
            lambda: cluster.request("GET", "/api/v1/namespaces/web/configmaps/blog-page")
        )
    assert page["data"] == {"index.html": "<h1>Hello</h1>"}
