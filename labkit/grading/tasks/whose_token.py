"""Task 6.7: as what account a pod ran.

It is code, because the answer counts only if the audit log shows that the token was read.
"""

from dataclasses import replace

from labkit.core.language import text

from .checks import PODS, Finding, GradedCluster, config_map_says, was_read
from .seed import Seed
from .task import Variant, account, asks, namespace, pod


def which_account(seed: Seed) -> Variant:
    """Prove with its token as what account a pod ran."""
    space = seed.name("alibi")
    name = seed.name("suspect")
    kept = seed.name("verdict")
    accounts = [seed.name(label) for label in ("butler", "cook", "gardener")]
    guilty = seed.one("guilty", accounts)

    def uid(context: GradedCluster) -> str:
        there = context.find(f"/api/v1/namespaces/{space}/serviceaccounts/{guilty}") or {
            "metadata": {}
        }
        return str(there["metadata"].get("uid") or "")

    proof = config_map_says(space, kept, "uid", "Its uid is the one in the token.", uid, 1)

    def look(context: GradedCluster) -> Finding:
        if was_read(context, f"/api/v1/namespaces/{space}/pods/{name}"):
            return proof.look(context)
        return Finding(
            False,
            text("The audit log shows nobody who read or used the token in the pod {name}.", name),
        )

    return Variant(
        asks("6.7", name=name, space=space, kept=kept),
        (
            replace(
                config_map_says(
                    space, kept, "account", "The account is named.", lambda _: guilty, 1
                ),
                needs=PODS,
            ),
            replace(proof, look=look, needs=PODS),
        ),
        (
            namespace(space),
            *(account(space, each) for each in accounts),
            pod(space, name, serviceAccountName=guilty),
        ),
        f'found = lab.pod_token("{space}/{name}").flat\n'
        'who = "kubernetes.io.serviceaccount"\n'
        'facts = {"account": found[f"{who}.name"], "uid": found[f"{who}.uid"]}\n'
        f'lab.admin.post("/api/v1/namespaces/{space}/configmaps", {{"metadata": {{"name": "{kept}"}}, "data": facts}})',
    )
