"""Neither user of a hub reaches the other's cluster, files or processes, nor the hub's own secrets.

The attempts are listed here, and docs/hub.md repeats them. Both users are ordinary Unix users of one machine, which is
harder than a hub on Kubernetes, where each has a pod.
"""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path

import pytest
import yaml

from tests.hub.hub import Hub, Kernel, User

pytestmark = pytest.mark.hub

READ = '''
import os

def read(path):
    """What a path gives: 'read', or the name of the refusal."""
    try:
        if os.path.islink(path):
            os.readlink(path)
        elif os.path.isdir(path):
            os.listdir(path)
        else:
            with open(path, "rb") as file:
                file.read(1)
    except OSError as error:
        return type(error).__name__
    return "read"
'''

PROC = (
    "environ",
    "mem",
    "maps",
    "auxv",
    "io",
    "stack",
    "syscall",
    "fd",
    "fdinfo",
    "map_files",
    "ns/net",
    "cwd",
    "exe",
    "root",
)
"""What /proc tells of a process to its user alone."""

SEARCH = '''
import os
import stat

def search(secrets, places):
    """Where a secret can be read: in a process's public files, and in files of the places that all may read."""
    def contents():
        for entry in filter(str.isdigit, os.listdir("/proc")):
            for name in ("cmdline", "comm", "status", "environ"):
                yield f"/proc/{entry}/{name}"
        yield "/proc/net/unix"
        for place in places:
            for directory, names, files in os.walk(place):
                if directory.count("/") > 6:
                    names.clear()
                yield from (os.path.join(directory, file) for file in files)
    found = []
    for path in contents():
        try:
            if not path.startswith("/proc/"):
                about = os.lstat(path)
                if not stat.S_ISREG(about.st_mode) or about.st_size > 100_000 or about.st_mtime < since:
                    continue
            with open(path, "rb") as file:
                content = file.read()
        except OSError:
            continue
        found += [path for secret in secrets if bytes.fromhex(secret) in content and secret not in own]
    return found
'''

ASK = '''
import http.client, ssl

def ask(port, method, path, headers=(), tls=False, certificate=None):
    """The status of one request to a port of this machine."""
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if certificate:
            context.load_cert_chain(certificate)
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, headers=dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()
'''


@pytest.fixture(scope="module")
def kernels(hub: Hub) -> tuple[Kernel, Kernel]:
    """A kernel of each user, with a lab."""
    made = []
    for user in hub.users:
        kernel = hub.kernel(user)
        notebook = hub.call(
            user, "GET", f"/user/{user.name}/api/contents/labkit/00-start.ipynb"
        ).json()["content"]
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                kernel.run("".join(cell["source"]))
        kernel.run("lab.apply('02-inside-a-pod')\ntoken = lab.token('default/default').raw")
        kernel.run(READ + SEARCH + ASK)
        made.append(kernel)
    ann, bob = made
    return ann, bob


def environment(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def process(user: User, part: str) -> int:
    return next(pid for pid, command in user.processes().items() if part in command)


def secrets_of(hub: Hub, user: User) -> dict[str, bytes]:
    """Everything that opens the hub, or a user's server, kernel and cluster; read as root."""
    server = environment(process(user, "jupyterhub-singleuser"))
    admin = yaml.safe_load((user.lab / "admin.conf").read_text())["users"][0]["user"]
    connection = next((user.home / ".local/share/jupyter/runtime").glob("kernel-*.json"))
    key = (user.lab / "pki" / "sa.key").read_text().splitlines()[1]
    return {
        "JUPYTERHUB_API_TOKEN": server["JUPYTERHUB_API_TOKEN"].encode(),
        "token from the hub's page": user.token.encode(),
        "kernel's key": json.loads(connection.read_text())["key"].encode(),
        "administrator's key": admin["client-key-data"].encode(),
        "administrator's key, decoded": base64.b64decode(admin["client-key-data"]).splitlines()[1],
        "service accounts' key": key.encode(),
        "proxy's token": hub.proxy_token.encode(),
        "culler's token": hub.culler_token.encode(),
        "hub's cookie secret": (hub.directory / "cookie_secret").read_bytes().strip(),
        "password": user.password.encode(),
    }


def test_each_user_has_a_cluster_of_their_own(hub: Hub, kernels: tuple[Kernel, Kernel]) -> None:
    found = [kernel.value("[os.getuid(), str(lab.home), lab.admin.server]") for kernel in kernels]
    assert [entry[:2] for entry in found] == [[user.uid, str(user.lab)] for user in hub.users]
    assert found[0][2] != found[1][2]
    for kernel, name in zip(kernels, ("of-ann", "of-bob"), strict=True):
        kernel.run(f"lab.apply('kind: Namespace\\napiVersion: v1\\nmetadata: {{name: {name}}}')")
    names = [
        kernel.value(
            "[e['metadata']['name'] for e in lab.admin.get('/api/v1/namespaces').body['items']]"
        )
        for kernel in kernels
    ]
    assert ["of-ann" in names[0], "of-bob" in names[0]] == [True, False]
    assert ["of-ann" in names[1], "of-bob" in names[1]] == [False, True]


def test_no_file_of_the_other_user_s_lab_or_of_the_hub_can_be_read(
    hub: Hub, kernels: tuple[Kernel, Kernel]
) -> None:
    ann, _bob = hub.users
    runtime = ann.home / ".local/share/jupyter/runtime"
    theirs = [str(path) for place in (ann.lab, runtime) for path in (place, *place.rglob("*"))]
    for part in (
        "admin.conf",
        "pki/ca.key",
        "pki/sa.key",
        "state.db",
        "audit.log",
        "progress.json",
        "profile_default",
    ):
        assert any(path.endswith(part) for path in theirs), part
    assert any("kernel-" in path for path in theirs)
    of_the_hub = [
        str(path) for path in (hub.directory, *hub.directory.iterdir()) if path.name != "kept"
    ]
    for part in ("jupyterhub.sqlite", "cookie_secret", "hub.log", "proxy.log"):
        assert any(path.endswith(part) for path in of_the_hub), part
    of_the_hub += ["/etc/shadow", "/etc/gshadow"]
    refused = kernels[1].value(f"{{path: read(path) for path in {theirs + of_the_hub!r}}}")
    assert {path: what for path, what in refused.items() if what != "PermissionError"} == {}
    own = kernels[0].value(f"{{path: read(path) for path in {theirs!r}}}")
    assert set(own.values()) == {"read"}, "the same code reads what is its own"


def test_no_process_of_the_other_user_or_of_the_hub_can_be_looked_into(
    hub: Hub, kernels: tuple[Kernel, Kernel]
) -> None:
    ann, _ = hub.users
    processes = {*ann.processes(), *(each.pid for each in hub.processes.values())}
    assert len(processes) >= 5, "a server, a kernel, a cluster; the hub and its proxy"
    paths = [f"/proc/{pid}/{name}" for pid in processes for name in PROC]
    refused = kernels[1].value(f"{{path: read(path) for path in {paths!r}}}")
    assert {path: what for path, what in refused.items() if what != "PermissionError"} == {}
    code = """
def signal(pid):
    try:
        os.kill(pid, 0)
    except OSError as error:
        return type(error).__name__
    return "reached"
def descriptor(pid):
    try:
        os.close(os.pidfd_open(pid))
    except OSError as error:
        return type(error).__name__
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    attached = libc.ptrace(16, pid, 0, 0)
    return "attached" if attached == 0 else os.strerror(ctypes.get_errno())
"""
    kernels[1].run(code)
    assert set(kernels[1].value(f"[signal(pid) for pid in {sorted(processes)}]")) == {
        "PermissionError"
    }
    assert set(kernels[1].value(f"[descriptor(pid) for pid in {sorted(processes)}]")) == {
        "Operation not permitted"
    }
    assert kernels[0].value(f"read('/proc/{process(ann, 'ipykernel')}/environ')") == "read", (
        "the same code, of its own"
    )


def test_no_secret_lies_where_all_may_read(hub: Hub, kernels: tuple[Kernel, Kernel]) -> None:
    ann, bob = hub.users
    secrets = {name: value.hex() for name, value in secrets_of(hub, ann).items()}
    own = [
        value.hex()
        for value in secrets_of(hub, bob).values()
        if value.hex() not in secrets.values()
    ]
    since = (hub.directory / "cookie_secret").stat().st_mtime - 60
    places = sorted(
        {"/tmp", "/var/tmp", "/dev/shm", "/run", str(hub.directory.parent), str(ann.home)}
    )
    kernels[1].run(f"since, own = {since!r}, {own!r}")
    look = f"search({list(secrets.values())!r}, {places!r})"
    assert kernels[1].value(look) == []
    planted = hub.directory.parent / f"planted-{os.getpid()}"
    planted.write_bytes(b"x " + bytes.fromhex(secrets["kernel's key"]))
    try:
        planted.chmod(0o644)
        places = [str(planted.parent), "/dev/shm"]
        shown = Path(f"/dev/shm/planted-{os.getpid()}")
        shown.write_bytes(planted.read_bytes())
        shown.chmod(0o644)
        assert str(shown) in kernels[1].value(f"search({list(secrets.values())!r}, {places!r})"), (
            "one there is found"
        )
    finally:
        planted.unlink()
        shown.unlink()
    assert (
        kernels[1].value(
            "[value for name, value in os.environ.items() if name.startswith('CONFIGPROXY')]"
        )
        == []
    )


def test_the_other_cluster_takes_no_credential_of_ours(
    hub: Hub, kernels: tuple[Kernel, Kernel]
) -> None:
    port = int(kernels[0].value("lab.admin.server").rpartition(":")[2])
    kernels[1].run(
        "import base64, tempfile, yaml\n"
        "user = yaml.safe_load(lab.kubeconfig.read_text())['users'][0]['user']\n"
        "mine = tempfile.NamedTemporaryFile(delete=False)\n"
        "parts = [base64.b64decode(user[name]) for name in ('client-certificate-data', 'client-key-data')]\n"
        "_ = mine.write(b''.join(parts))\n"
        "mine.close()\n"
        "bearer = {'Authorization': 'Bearer ' + token}\n"
        "ours = int(lab.admin.server.rpartition(':')[2])"
    )
    for path in (
        "/api/v1/secrets",
        "/api/v1/namespaces/default/pods",
        "/kube-embedded/snapshots/pristine/restore",
        "/metrics",
    ):
        asked = f"'GET', {path!r}"
        assert kernels[1].value(f"ask({port}, {asked}, tls=True)") == 403, "as nobody"
        assert kernels[1].value(f"ask({port}, {asked}, bearer, tls=True)") == 401, (
            "with a token of our cluster"
        )
        assert kernels[1].value(f"ask({port}, {asked}, tls=True, certificate=mine.name)") == 401, (
            "with its admin's key"
        )
    assert (
        kernels[1].value("ask(ours, 'GET', '/api/v1/secrets', tls=True, certificate=mine.name)")
        == 200
    )
    kernels[1].run("os.unlink(mine.name)")


def test_the_other_server_the_hub_and_its_proxy_refuse_our_tokens(
    hub: Hub, kernels: tuple[Kernel, Kernel]
) -> None:
    ann, bob = hub.users
    theirs = environment(process(ann, "jupyterhub-singleuser"))
    port = int(theirs["JUPYTERHUB_SERVICE_URL"].split(":")[2].split("/")[0])
    own = environment(process(bob, "jupyterhub-singleuser"))["JUPYTERHUB_API_TOKEN"]
    kernels[1].run(
        "tokens = [{'Authorization': 'token ' + each} for each in ("
        + repr(own)
        + ", "
        + repr(bob.token)
        + ")]"
    )
    for name in (
        "api/contents",
        "api/kernels",
        "api/terminals",
        "git-pull/api?repo=/",
        "files/.bashrc",
    ):
        for at in (port, hub.port):
            asked = f"{at}, 'GET', '/user/{ann.name}/{name}'"
            got = kernels[1].value(f"[ask({asked}), *(ask({asked}, token) for token in tokens)]")
            assert set(got) <= {302, 403, 404}, (name, at, got)
    calls = [
        ("GET", f"users/{ann.name}"),
        ("POST", f"users/{ann.name}/tokens"),
        ("POST", f"users/{ann.name}/server"),
        ("DELETE", f"users/{ann.name}/server"),
        ("GET", "services"),
        ("GET", "proxy"),
        ("POST", "shutdown"),
        ("POST", "users"),
    ]
    for method, path in calls:
        got = kernels[1].value(
            f"[ask({hub.hub_port}, {method!r}, '/hub/api/{path}', token) for token in tokens]"
        )
        assert set(got) <= {403, 404}, (method, path, got)
    got = kernels[1].value(
        f"[ask({hub.proxy_port}, 'GET', '/api/routes', token) for token in [{{}}, *tokens]]"
    )
    assert got == [403, 403, 403]
    assert kernels[1].value(
        f"[ask({hub.hub_port}, 'GET', '/hub/api/users/{bob.name}', token) for token in tokens[1:]]"
    ) == [200]


def test_the_other_kernel_runs_nothing_without_its_key(
    hub: Hub, kernels: tuple[Kernel, Kernel]
) -> None:
    ann, _ = hub.users
    file = ann.home / f".local/share/jupyter/runtime/kernel-{kernels[0].id}.json"
    connection = json.loads(file.read_text())
    marker = f"/dev/shm/reached-{os.getpid()}"
    assert not Path(marker).exists()
    code = f"""
from jupyter_client import BlockingKernelClient
def reach(connection):
    client = BlockingKernelClient()
    client.load_connection_info(connection)
    client.start_channels()
    try:
        client.execute("open({marker!r}, 'w').close()")
        client.get_shell_msg(timeout=5)
        return "answered"
    except Exception as error:
        return type(error).__name__
    finally:
        client.stop_channels()
"""
    kernels[1].run(code)
    forged = [{**connection, "key": key} for key in ("", "guessed")]
    assert kernels[1].value(f"[reach(each) for each in {forged!r}]") == ["Empty", "Empty"]
    assert not Path(marker).exists()
    assert kernels[1].value(f"reach({connection!r})") == "answered", "with the key it is"
    os.unlink(marker)


def test_a_pod_of_the_lab_shows_nothing_of_the_machine(
    hub: Hub, kernels: tuple[Kernel, Kernel]
) -> None:
    ann, _ = hub.users
    looks = [
        "env",
        "cat /proc/1/environ",
        "cat /proc/self/environ",
        "cat /proc/*/cmdline",
        "ls -la / /root /home /tmp",
    ]
    looks += [
        f"cat {ann.lab}/admin.conf",
        "cat /etc/shadow",
        "cat /var/run/docker.sock",
        "ls /home/*",
        "cat ~/.kube/config",
    ]
    said = "".join(kernels[0].run(f"print(lab.exec('default/curl', {look!r}))") for look in looks)
    assert "KUBERNETES_SERVICE_HOST" in said
    assert "JUPYTER" not in said
    assert [name for name, value in secrets_of(hub, ann).items() if value.decode() in said] == []


def test_another_user_s_home_is_refused_in_a_sentence(
    hub: Hub, kernels: tuple[Kernel, Kernel]
) -> None:
    ann, _bob = hub.users
    code = """
def begin(home):
    from labkit.core.errors import LabkitError
    try:
        Lab(home=home)
    except LabkitError as error:
        return [type(error).__name__, error.exit_code, str(error)]
"""
    kernels[1].run(code)
    kind, exit_code, text = kernels[1].value(f"begin({str(ann.lab)!r})")
    assert (kind, exit_code) == ("HomeError", 7)
    assert f"belongs to another user (id {ann.uid})" in text
    assert "Set LABKIT_HOME to a directory of your own" in text
    shared = Path(f"/dev/shm/shared-{os.getpid()}")
    shared.mkdir()
    shared.chmod(0o1777)
    try:
        # Both have the same LABKIT_HOME, by mistake, on a volume that all can write to.
        kernels[0].run(f"other = Lab(home='{shared}/labkit'); other.stop()")
        kind, exit_code, text = kernels[1].value(f"begin('{shared}/labkit')")
        assert (kind, exit_code) == ("HomeError", 7)
        assert f"it belongs to another user (id {ann.uid})" in text
        assert "Set LABKIT_HOME to a directory of your own" in text
    finally:
        kernels[0].run(f"import shutil; shutil.rmtree('{shared}/labkit'); lab = Lab()")
        shared.rmdir()


def test_what_was_tried_is_listed(hub: Hub) -> None:
    page = (Path(__file__).parents[2] / "docs" / "hub.md").read_text(encoding="utf-8")
    source = Path(__file__).read_text(encoding="utf-8")
    tried = re.findall(r"^\| `(\S+)` \|", page, flags=re.MULTILINE)
    assert len(tried) >= 20
    assert [name for name in tried if name.rpartition("/")[2] not in source] == []
