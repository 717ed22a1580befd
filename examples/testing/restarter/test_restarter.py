import pytest
from restarter import restart

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx}]}
"""


@pytest.fixture
def account(cluster):
    return cluster.account("shop/restarter", manifests="rbac.yaml")


def test_it_restarts_deployments_and_needs_each_of_its_rights(cluster, account):
    cluster.apply(DEPLOYMENT, "shop")
    assert restart(account.kubernetes(), "shop") == ["web"]
    web = cluster.request("GET", "/apis/apps/v1/namespaces/shop/deployments/web")
    assert "kubectl.kubernetes.io/restartedAt" in web["spec"]["template"]["metadata"]["annotations"]
    account.check()
    assert not account.rights().unused


def test_it_cannot_touch_other_namespaces(account):
    assert account.allowed("patch", "deployments.apps").startswith("RBAC: allowed by RoleBinding")
    account.refused("patch", "deployments.apps", namespace="default")
    account.refused("delete", "deployments.apps")
