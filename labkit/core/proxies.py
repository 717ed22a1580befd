"""Keep clients on this machine from asking a proxy for a cluster on this machine.

Python's ``urlopen``, Kubernetes' official client and curl follow the proxy in the environment to loopback too.
Sources: https://docs.python.org/3/library/urllib.request.html and curl(1), "ENVIRONMENT".
"""

from collections.abc import Mapping

PROXIES = ("http_proxy", "https_proxy", "all_proxy")
NO_PROXY = ("no_proxy", "NO_PROXY")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def proxy_variables(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that name a proxy, in the spelling that they have."""
    return [name for name, value in environment.items() if name.lower() in PROXIES and value]


def exceptions(environment: Mapping[str, str]) -> list[str]:
    """Return the hosts that are reached without the proxy, by either spelling of the variable."""
    values = (environment.get(name, "") for name in NO_PROXY)
    return list(
        dict.fromkeys(host.strip() for value in values for host in value.split(",") if host.strip())
    )


def bypass_loopback(environment: Mapping[str, str]) -> dict[str, str]:
    """Return ``no_proxy`` with this machine added, in both spellings; empty if no proxy is named."""
    if not proxy_variables(environment):
        return {}
    # Programs read one spelling first, and not the same one: both get what either has. Some know * only alone.
    hosts = exceptions(environment)
    value = "*" if "*" in hosts else ",".join(dict.fromkeys([*hosts, *LOOPBACK]))
    return dict.fromkeys(NO_PROXY, value)
