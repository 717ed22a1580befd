"""Names in a pod: its host name, ``/etc/hosts`` and ``/etc/resolv.conf``.

Sources: k8s.io/kubernetes ``pkg/kubelet/kubelet_pods.go``, ``pkg/kubelet/network/dns/dns.go``.
"""

from ..machinery.request import Object

DOMAIN = "cluster.local"
DNS_ADDRESS = "10.96.0.10"

LOCAL = (
    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n"
)


def host_name(spec: Object, pod: str, node: str) -> str:
    """The host name of a pod's containers."""
    # Linux allows 64 bytes with the final zero.
    return str(spec.get("hostname") or (node if spec.get("hostNetwork") else pod))[:63]


def full_name(spec: Object, hostname: str, namespace: str) -> str:
    """The fully qualified name of a pod with a ``subdomain``, empty without one."""
    return (
        f"{hostname}.{spec['subdomain']}.{namespace}.svc.{DOMAIN}" if spec.get("subdomain") else ""
    )


def host_names(spec: Object, hostname: str, namespace: str, address: str) -> dict[str, str]:
    """The names in ``/etc/hosts`` but for localhost, and their addresses."""
    names = {hostname.lower(): address}
    full = full_name(spec, hostname, namespace)
    if full:
        names[full.lower()] = address
    for alias in spec.get("hostAliases") or ():
        for name in alias.get("hostnames") or ():
            names.setdefault(str(name).lower(), str(alias["ip"]))
    return names


def hosts_file(spec: Object, hostname: str, namespace: str, address: str) -> str:
    """``/etc/hosts``."""
    own = [name for name in (full_name(spec, hostname, namespace), hostname) if name]
    text = "# Kubernetes-managed hosts file.\n" + LOCAL + "\t".join((address, *own)) + "\n"
    aliases = spec.get("hostAliases") or ()
    if aliases:
        text += "\n# Entries added by HostAliases.\n"
        text += "".join(
            "\t".join((entry["ip"], *(entry.get("hostnames") or ()))) + "\n" for entry in aliases
        )
    return text


def resolver_file(spec: Object, namespace: str) -> str:
    """``/etc/resolv.conf``, by the pod's ``dnsPolicy`` and ``dnsConfig``."""
    policy = spec.get("dnsPolicy") or "ClusterFirst"
    config = spec.get("dnsConfig") or {}
    search: list[str] = []
    servers: list[str] = []
    options: dict[str, str | None] = {}
    # A pod on the host's network uses the cluster's DNS only with the policy ClusterFirstWithHostNet.
    if policy == "Default" or (policy == "ClusterFirst" and spec.get("hostNetwork")):
        servers = ["172.18.0.1"]
        options = {"ndots": "0"}
    elif policy != "None":
        search = [f"{namespace}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN]
        servers = [DNS_ADDRESS]
        options = {"ndots": "5"}
    search += [entry for entry in config.get("searches") or () if entry not in search]
    servers += [entry for entry in config.get("nameservers") or () if entry not in servers]
    options |= {entry["name"]: entry.get("value") for entry in config.get("options") or ()}
    lines = [f"search {' '.join(search)}"] if search else []
    lines += [f"nameserver {entry}" for entry in servers]
    options_text = " ".join(
        name if value is None else f"{name}:{value}" for name, value in options.items()
    )
    return "\n".join([*lines, *([f"options {options_text}"] if options_text else [])]) + "\n"
