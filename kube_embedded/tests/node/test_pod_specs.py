"""What a pod's spec gives its containers, as a kubelet of 1.36 gives it (compared with a kind cluster)."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.machinery.request import Object
from kube_embedded.tests.node.pods import Lab

MOUNTED = "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.fixture
def lab() -> Lab:
    lab = Lab()
    lab.admin.post(
        "/api/v1/namespaces/default/configmaps",
        {"metadata": {"name": "cm"}, "data": {"a": "1", "b.conf": "x=1\n"}},
    )
    return lab


def main(script: str = "sleep 9999", **more: Any) -> Object:
    """A container of the lab's image."""
    words = ["bash", "-c", script]
    return {
        "name": "main",
        "image": "labkit/pod:0.1.0",
        "imagePullPolicy": "IfNotPresent",
        "command": words,
        **more,
    }


def mounting(
    lab: Lab, volume: Object, script: str, *, mount: Object | None = None, **spec: Any
) -> str:
    """What a script prints in a pod that mounts a volume at ``/v``."""
    mounts = [{"name": "v", "mountPath": "/v", **(mount or {})}]
    lab.pod(volumes=[{"name": "v", **volume}], containers=[main(volumeMounts=mounts)], **spec)
    return lab.exec(script, shell="bash").stdout


def owner(line: str) -> str:
    """The mode, the user and the group in a line of ``ls -l``."""
    mode, _, user, group, *_ = line.split()
    return f"{mode} {user} {group}"


def test_a_variable_tells_the_pods_address(lab: Lab) -> None:
    field = {"fieldRef": {"fieldPath": "status.podIP"}}
    pod = lab.pod(containers=[main("echo $IP", env=[{"name": "IP", "valueFrom": field}])])
    assert lab.log() == pod["status"]["podIP"] + "\n"


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [("limits.cpu", "0", "1"), ("limits.cpu", "1m", "500"), ("limits.memory", "0", "67108864"),
     ("limits.memory", "1Mi", "64"), ("requests.cpu", "0", "1"), ("requests.cpu", "1m", "100"),
     ("requests.memory", "1Ki", "32768")],
)  # fmt: skip
def test_a_variable_tells_resources_in_units_of_the_divisor(
    lab: Lab, resource: str, divisor: str, value: str
) -> None:
    variable = {
        "name": "R",
        "valueFrom": {"resourceFieldRef": {"resource": resource, "divisor": divisor}},
    }
    resources = {
        "limits": {"cpu": "500m", "memory": "64Mi"},
        "requests": {"cpu": "100m", "memory": "32Mi"},
    }
    status = lab.pod(containers=[main("echo $R", env=[variable], resources=resources)])["status"]
    assert lab.log() == value + "\n"
    assert status["allocatedResources"] == resources["requests"]
    assert status["resources"] == resources


@pytest.mark.parametrize(
    ("resources", "told"),
    [({"requests": {"cpu": "1"}}, {"requests": {"cpu": "1"}}),
     ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}),
     ({}, {})],
)  # fmt: skip
def test_the_status_tells_the_resources_that_a_pod_has(
    lab: Lab, resources: Object, told: Object
) -> None:
    status = lab.pod(containers=[main(resources=resources)])["status"]
    assert status["resources"] == told
    assert status.get("allocatedResources", {}) == told.get("requests", {})


def test_the_status_and_its_conditions_tell_which_spec_was_seen(lab: Lab) -> None:
    pod = lab.pod(containers=[main()])
    status = pod["status"]
    assert len(status["conditions"]) == 5
    seen = {one["observedGeneration"] for one in (status, *status["conditions"])}
    assert seen == {pod["metadata"]["generation"]} == {1}


@pytest.mark.parametrize(
    ("security", "message"),
    [({"runAsNonRoot": True}, "container has runAsNonRoot and image will run as root"),
     ({"runAsNonRoot": True, "runAsUser": 0}, "container's runAsUser breaks non-root policy")],
)  # fmt: skip
def test_no_root_where_root_is_not_allowed(lab: Lab, security: Object, message: str) -> None:
    pod = lab.pod(containers=[main(securityContext=security)])
    waiting = lab.state()["state"]["waiting"]
    assert waiting["reason"] == "CreateContainerConfigError"
    assert (
        waiting["message"]
        == f'{message} (pod: "p_default({pod["metadata"]["uid"]})", container: main)'
    )


@pytest.mark.parametrize(
    ("security", "who", "token"),
    [({}, "uid=0(root) gid=0(root) groups=0(root)", "-rw-r--r-- root root"),
     ({"runAsUser": 65534, "runAsNonRoot": True}, "uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)",
      "-rw------- nobody root"),
     ({"runAsUser": 1000}, "uid=1000 gid=0(root) groups=0(root)", "-rw------- 1000 root"),
     ({"runAsUser": 1000, "runAsGroup": 3000, "fsGroup": 2000, "supplementalGroups": [4000]},
      "uid=1000 gid=3000 groups=3000,2000,4000", "-rw-r----- 1000 2000")],
)  # fmt: skip
def test_whose_the_processes_and_the_mounted_token_are(
    lab: Lab, security: Object, who: str, token: str
) -> None:
    lab.pod(securityContext=security, containers=[main()])
    assert lab.exec("id").stdout == who + "\n"
    assert owner(lab.exec(f"ls -l {MOUNTED}/..data/token").stdout) == token
    assert lab.exec(f"cat {MOUNTED}/token").rc == 0


def test_an_empty_directory_belongs_to_the_pods_group(lab: Lab) -> None:
    security = {"runAsUser": 1000, "fsGroup": 2000}
    assert (
        owner(mounting(lab, {"emptyDir": {}}, "ls -ld /v", securityContext=security))
        == "drwxrwsrwx root 2000"
    )


def test_a_config_map_lies_on_the_disk(lab: Lab) -> None:
    listed = mounting(lab, {"configMap": {"name": "cm"}}, "cd /v; ls -l [a-z]*").splitlines()
    assert [owner(line) for line in listed] == ["lrwxrwxrwx root root"] * 2
    assert [line.partition(" -> ")[2] for line in listed] == ["..data/a", "..data/b.conf"]


@pytest.mark.parametrize(("path", "kind"), [("a", "-"), ("nope", "d")])
def test_a_sub_path_that_is_missing_becomes_a_directory(lab: Lab, path: str, kind: str) -> None:
    mount = {"mountPath": "/v/f", "subPath": path}
    assert mounting(lab, {"configMap": {"name": "cm"}}, "ls -ld /v/f", mount=mount)[:1] == kind


def test_a_sub_path_of_an_empty_directory_is_a_part_of_it(lab: Lab) -> None:
    whole, part = (
        {"name": "v", "mountPath": "/all"},
        {"name": "v", "mountPath": "/part", "subPath": "x/y"},
    )
    lab.pod(volumes=[{"name": "v", "emptyDir": {}}], containers=[main(volumeMounts=[whole, part])])
    assert lab.exec("echo hi > /part/f; cat /all/x/y/f; ls /all").stdout == "hi\nx\n"


def test_a_sub_path_that_is_a_link_does_not_end_the_pod(lab: Lab) -> None:
    both = [{"name": "v", "mountPath": "/v"}, {"name": "w", "mountPath": "/w"}]
    links = main("tar -C /w -cf - a | tar -C /v -xf -", name="links", volumeMounts=both)
    mount = {"name": "v", "mountPath": "/part", "subPath": "a"}
    lab.pod(
        volumes=[{"name": "v", "emptyDir": {}}, {"name": "w", "configMap": {"name": "cm"}}],
        initContainers=[links],
        containers=[main(volumeMounts=[both[0], mount])],
    )
    lab.wait(5)
    assert lab.get()["status"]["phase"] == "Running"
    assert lab.exec("ls -l /v").stdout.endswith(" a -> ..data/a\n")
    assert lab.exec("ls -d /part").rc == 0


def test_mounted_files_are_replaced_when_their_source_has_changed(lab: Lab) -> None:
    shown = "ls -l /v/..data; cat /v/a"
    first = mounting(lab, {"configMap": {"name": "cm"}}, shown)
    lab.wait(60)
    assert lab.exec(shown).stdout == first
    changed = {"data": {"a": "2"}}
    lab.admin.patch("/api/v1/namespaces/default/configmaps/cm", changed)
    lab.wait(60)
    second = lab.exec(shown).stdout
    assert second.split()[-2] != first.split()[-2]
    assert (first.split()[-1], second.split()[-1]) == ("1", "2")


@pytest.mark.parametrize(
    ("volume", "message"),
    [({"configMap": {"name": "cm", "items": [{"key": "z", "path": "z"}]}},
      "configmap references non-existent config key: z"),
     ({"projected": {"sources": [{"configMap": {"name": "no"}}, {"secret": {"name": "none"}}]}},
      '[configmap "no" not found, secret "none" not found]')],
)  # fmt: skip
def test_what_a_volume_lacks(lab: Lab, volume: Object, message: str) -> None:
    lab.pod(
        volumes=[{"name": "v", **volume}],
        containers=[main(volumeMounts=[{"name": "v", "mountPath": "/v"}])],
    )
    items = lab.admin.get("/api/v1/namespaces/default/events").body["items"]
    told = [one["message"] for one in items if one["reason"] == "FailedMount"]
    assert told == [f'MountVolume.SetUp failed for volume "v" : {message}']


def test_a_pods_annotations_in_a_file_are_quoted(lab: Lab) -> None:
    item = {"path": "a", "fieldRef": {"fieldPath": "metadata.annotations"}}
    made = {
        "metadata": {"name": "p", "annotations": {"note": 'say "x"'}},
        "spec": {
            "containers": [main(volumeMounts=[{"name": "v", "mountPath": "/v"}])],
            "volumes": [{"name": "v", "downwardAPI": {"items": [item]}}],
        },
    }
    lab.admin.post("/api/v1/namespaces/default/pods", made)
    assert 'note="say \\"x\\""' in lab.exec("cat /v/a").stdout


def test_names_of_a_pod_with_a_subdomain_and_aliases(lab: Lab) -> None:
    aliases = [
        {"ip": "10.1.2.3", "hostnames": ["foo.local", "bar.local"]},
        {"ip": "10.1.2.4", "hostnames": ["baz"]},
    ]
    pod = lab.pod(hostname="web", subdomain="sub", hostAliases=aliases, containers=[main()])
    assert lab.exec("hostname -f").stdout == "web.sub.default.svc.cluster.local\n"
    assert lab.exec("tail -n 5 /etc/hosts").stdout == (
        f"{pod['status']['podIP']}\tweb.sub.default.svc.cluster.local\tweb\n\n# Entries added by HostAliases.\n"
        "10.1.2.3\tfoo.local\tbar.local\n10.1.2.4\tbaz\n"
    )
    assert lab.exec("getent hosts baz").stdout == "10.1.2.4        baz\n"


@pytest.mark.parametrize(
    ("spec", "text"),
    [({"dnsConfig": {"searches": ["a.example"], "options": [{"name": "ndots", "value": "2"}]}},
      "search default.svc.cluster.local svc.cluster.local cluster.local a.example\nnameserver 10.96.0.10\n"
      "options ndots:2\n"),
     ({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.2.3.4"], "searches": ["a.example"],
       "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}]}},
      "search a.example\nnameserver 1.2.3.4\noptions ndots:2 edns0\n")],
)  # fmt: skip
def test_a_pods_own_resolver(lab: Lab, spec: Object, text: str) -> None:
    lab.pod(containers=[main()], **spec)
    assert lab.exec("cat /etc/resolv.conf").stdout == text


def test_an_image_name_in_capitals(lab: Lab) -> None:
    lab.pod(containers=[main(image="Bad_Image")])
    message = lab.state()["state"]["waiting"]["message"]
    assert message.endswith(
        "invalid reference format: repository name (library/Bad_Image) must be lowercase"
    )


def test_mounted_files_cannot_be_removed(lab: Lab) -> None:
    lab.pod(containers=[main()])
    done = lab.exec("rm -rf /var/run/secrets 2>&1 | sed 's/[.][.]2[0-9_.]*/../'", shell="bash")
    names = ["namespace", "ca.crt", "token", "..data", "../namespace", "../ca.crt", "../token"]
    assert done.stdout == "".join(
        f"rm: cannot remove '{MOUNTED}/{one}': Read-only file system\n" for one in names
    )
    assert len(lab.exec(f"cat {MOUNTED}/token").stdout) > 500


def front(lab: Lab, name: str = "front-end", **spec: Any) -> str:
    """Create a Service, and return its address."""
    path = "/api/v1/namespaces/default/services"
    made = lab.admin.post(path, {"metadata": {"name": name}, "spec": spec})
    return str(made.body["spec"]["clusterIP"])


def variables(lab: Lab, prefix: str) -> dict[str, str]:
    """The variables of a prefix in the pod, by the rest of their names."""
    lines = lab.exec("env", shell="bash").stdout.splitlines()
    pairs = (line.partition("=") for line in lines if line.startswith(prefix))
    return {name.removeprefix(prefix): value for name, _, value in pairs}


def test_variables_tell_of_the_services_of_the_namespace(lab: Lab) -> None:
    ports = [{"name": "web-tls", "port": 8443}, {"name": "dns", "port": 53, "protocol": "UDP"}]
    address = front(lab, ports=ports)
    lab.pod(containers=[main()])
    assert variables(lab, "FRONT_END_") == {
        "SERVICE_HOST": address,
        "SERVICE_PORT": "8443",
        "SERVICE_PORT_WEB_TLS": "8443",
        "SERVICE_PORT_DNS": "53",
        "PORT": f"tcp://{address}:8443",
        "PORT_8443_TCP": f"tcp://{address}:8443",
        "PORT_8443_TCP_PROTO": "tcp",
        "PORT_8443_TCP_PORT": "8443",
        "PORT_8443_TCP_ADDR": address,
        "PORT_53_UDP": f"udp://{address}:53",
        "PORT_53_UDP_PROTO": "udp",
        "PORT_53_UDP_PORT": "53",
        "PORT_53_UDP_ADDR": address,
    }
    assert variables(lab, "KUBERNETES_SERVICE_") == {
        "HOST": "10.96.0.1",
        "PORT": "443",
        "PORT_HTTPS": "443",
    }


def test_a_service_without_an_address_has_no_variables(lab: Lab) -> None:
    front(lab, clusterIP="None", ports=[{"port": 80}])
    lab.pod(containers=[main()])
    assert variables(lab, "FRONT_END_") == {}


def test_without_links_only_the_api_server_has_variables(lab: Lab) -> None:
    front(lab, ports=[{"port": 80}])
    lab.pod(containers=[main()], enableServiceLinks=False)
    assert variables(lab, "FRONT_END_") == {}
    assert variables(lab, "KUBERNETES_SERVICE_")["HOST"] == "10.96.0.1"


def test_a_containers_own_variables_replace_those_of_services(lab: Lab) -> None:
    address = front(lab, ports=[{"port": 80}])
    lab.admin.patch(
        "/api/v1/namespaces/default/configmaps/cm",
        {"data": {"KUBERNETES_SERVICE_HOST": "from the map"}},
    )
    env = [
        {"name": "WAS", "value": "$(FRONT_END_SERVICE_HOST)"},
        {"name": "FRONT_END_SERVICE_HOST", "value": "mine"},
        {"name": "IS", "value": "$(FRONT_END_SERVICE_HOST)"},
        {"name": "MAP", "value": "$(KUBERNETES_SERVICE_HOST)"},
    ]
    lab.pod(containers=[main(env=env, envFrom=[{"configMapRef": {"name": "cm"}}])])
    assert variables(lab, "FRONT_END_SERVICE_") == {"HOST": "mine", "PORT": "80"}
    assert variables(lab, "KUBERNETES_SERVICE_")["HOST"] == "from the map"
    said = lab.exec("echo $WAS, $IS, $MAP", shell="bash").stdout
    assert said == f"{address}, mine, from the map\n"


def test_variables_from_a_map_can_have_a_prefix(lab: Lab) -> None:
    lost = {"configMapRef": {"name": "lost", "optional": True}}
    lab.pod(containers=[main(envFrom=[{"prefix": "MY_", "configMapRef": {"name": "cm"}}, lost])])
    assert variables(lab, "MY_") == {"a": "1", "b.conf": "x=1"}


def test_variables_that_double_do_not_fill_the_memory(lab: Lab) -> None:
    env = [{"name": "E0", "value": "x" * 100}]
    env += [
        {"name": f"E{number}", "value": f"$(E{number - 1})$(E{number - 1})"}
        for number in range(1, 40)
    ]
    lab.pod(containers=[main(env=env)])
    waiting = lab.state()["state"]["waiting"]
    assert (waiting["reason"], waiting["message"]) == (
        "CreateContainerConfigError",
        "argument list too long",
    )


def test_a_variable_may_name_those_before_it_and_replace_itself(lab: Lab) -> None:
    env = [
        {"name": name, "value": value}
        for name, value in (("A", "1"), ("B", "$(A)2"), ("A", "$(B)3"), ("C", "$(A)$(D)"))
    ]
    lab.pod(containers=[main("echo $A $B $C", env=env)])
    assert lab.log() == "123 12 123$(D)\n"


def test_a_volume_that_no_container_mounts_may_lack_its_source(lab: Lab) -> None:
    lab.pod(volumes=[{"name": "v", "configMap": {"name": "nope"}}], containers=[main()])
    assert lab.state()["ready"]
    assert "FailedMount" not in dict(lab.events())


def test_a_shared_process_namespace_begins_with_pause(lab: Lab) -> None:
    two = [{**main(), "name": "one"}, {**main(), "name": "two", "command": ["sleep", "77"]}]
    lab.pod(shareProcessNamespace=True, containers=two)
    for container, program in (("one", "bash"), ("two", "sleep")):
        names = lab.exec("cat /proc/1/comm /proc/self/comm", container=container).stdout
        assert names == f"pause\n{program}\n"


def test_without_sharing_a_container_is_alone(lab: Lab) -> None:
    lab.pod(containers=[{**main(), "name": "one"}, {**main(), "name": "two"}])
    assert lab.exec("cat /proc/1/comm", container="one").stdout == "bash\n"
