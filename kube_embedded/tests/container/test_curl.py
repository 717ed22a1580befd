"""curl: decided from the certificate that is served, with the real messages."""

from __future__ import annotations

import pytest

from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.tests.node.pods import Lab
from kube_embedded.tests.support.cluster import keys

MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN = f'-H "Authorization: Bearer $(cat {MOUNT}/token)"'


@pytest.fixture(scope="module")
def lab() -> Lab:
    made = Lab()
    made.pod(
        containers=[
            {
                "image": "ubuntu:latest",
                "imagePullPolicy": "IfNotPresent",
                "command": ["sleep", "999"],
            }
        ],
        hostAliases=[{"ip": "10.96.0.1", "hostnames": ["wrong.example"]}],
    )
    return made


def put(lab: Lab, path: str, data: bytes) -> None:
    lab.exec(f"cat > {path} <<'EOF'\n{data.decode()}\nEOF")


def test_another_clusters_authority_is_not_trusted(lab: Lab) -> None:
    put(lab, "/tmp/other.crt", Keys.generate(keys().token_key).ca_certificate)
    assert lab.exec("curl -s --cacert /tmp/other.crt https://kubernetes").rc == 60
    assert (
        lab.exec(
            f"cat {MOUNT}/ca.crt >> /tmp/other.crt; curl -so /dev/null --cacert /tmp/other.crt https://kubernetes"
        ).rc
        == 0
    )


def test_the_certificate_must_have_the_name(lab: Lab) -> None:
    good = lab.exec(
        f"for h in kubernetes kubernetes.default kubernetes.default.svc 10.96.0.1; do "
        f"curl -so /dev/null --cacert {MOUNT}/ca.crt https://$h; echo $?; done"
    )
    assert good.stdout == "0\n" * 4
    bad = lab.exec(f"curl -sS --cacert {MOUNT}/ca.crt https://wrong.example")
    assert bad.rc == 60
    assert (
        "no alternative certificate subject name matches target hostname 'wrong.example'"
        in bad.stderr
    )


@pytest.mark.parametrize(
    ("command", "rc", "stderr"),
    [
        (
            "curl -sS https://localhost",
            7,
            "Failed to connect to localhost port 443 after 0 ms: Could not connect to server",
        ),
        ("curl -sS foo://x", 1, 'Protocol "foo" not supported'),
        ("curl -sS 'http://a b'", 3, "URL rejected: Malformed input to a URL function"),
        (
            "curl -sS http://x:99999",
            3,
            "URL rejected: Port number was not a decimal number between 0 and 65535",
        ),
        ("curl -k -sS -f https://kubernetes/nope", 22, "The requested URL returned error: 403"),
        ("curl -k -sS https://kubernetes -o /no/dir", 23, "client returned ERROR on write"),
        (
            "curl -k -sS -d @/nope https://kubernetes",
            26,
            "option -d: error encountered when reading a file",
        ),
        (
            "curl -k -sS -T /nope https://kubernetes",
            2,
            "option -T: not simulated in this lab's pods",
        ),
        ("curl -sS file:///etc/passwd", 1, "file://: not simulated in this lab's pods"),
        (
            "curl -sS -E /nope https://kubernetes -k",
            2,
            "option -E: not simulated in this lab's pods",
        ),
        (
            "curl -sS --cacert /etc/passwd https://kubernetes",
            77,
            "error setting certificate file: /etc/passwd",
        ),
        ("curl -H", 2, "option -H: requires parameter"),
        ("curl --header", 2, "option --header: requires parameter"),
        ("curl --max-time=5 http://x", 2, "option --max-time=5: is unknown"),
        ("curl --nope http://x", 2, "option --nope: is unknown"),
        ("curl -Y http://x", 2, "option -Y: not simulated in this lab's pods"),
        ("curl -! http://x", 2, "option -!: is unknown"),
        ("curl -G http://x", 2, "option -G: not simulated in this lab's pods"),
        ("curl --resolve a:1:b http://x", 2, "option --resolve: not simulated in this lab's pods"),
        ("curl -d @/tmp http://x", 26, "option -d: error encountered when reading a file"),
        ("curl -s", 2, "(2) no URL specified"),
        ("curl -m x http://x", 2, "option -m: expected a proper numerical parameter"),
        ("curl 'http://{a,b}'", 2, "not simulated in this lab's pods; use -g"),
        ("curl -F a=b http://x", 2, "option -F: not simulated in this lab's pods"),
    ],
)
def test_errors(lab: Lab, command: str, rc: int, stderr: str) -> None:
    done = lab.exec(command)
    assert done.rc == rc
    assert stderr in done.stderr


def test_plain_http_to_the_api_servers_port(lab: Lab) -> None:
    done = lab.exec("curl -si http://kubernetes:443")
    assert (
        done.stdout
        == "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    )


def test_public_authorities_have_not_signed_the_api_server(lab: Lab) -> None:
    done = lab.exec("curl -sS --cacert /etc/ssl/certs/ca-certificates.crt https://kubernetes")
    assert done.rc == 60
    assert done.stderr.startswith(
        "curl: (60) SSL certificate problem: unable to get local issuer certificate\n"
    )


def test_write_out_variables(lab: Lab) -> None:
    done = lab.exec("curl -sko /dev/null -w '%{http_code} %{response_code}\\n' https://kubernetes")
    assert done.stdout == "403 403\n"


def test_methods_bodies_and_headers(lab: Lab) -> None:
    review = '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'
    url = "https://kubernetes/apis/authentication.k8s.io/v1/selfsubjectreviews"
    done = lab.exec(
        f"curl -sk {TOKEN} -H 'Content-Type: application/json' -d '{review}' {url} | grep username"
    )
    assert done.stdout.strip() == '"username": "system:serviceaccount:default:default",'
    echoed = lab.exec(
        f"echo '{review}' > /tmp/b; curl -sk {TOKEN} -H 'Content-Type: application/json' --data-binary @/tmp/b {url} "
        f"-w '%{{http_code}}' -o /dev/null"
    )
    assert echoed.stdout == "201"
    assert lab.exec("curl -skI https://kubernetes").stdout.startswith("HTTP/2 ")


def test_a_watch_is_streamed_until_time_is_up(lab: Lab) -> None:
    lab.admin.post(
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        {
            "metadata": {"name": "all-may-view"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "view",
            },
            "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "default"}],
        },
    )
    done = lab.exec(
        f"curl -sSk -m 2 {TOKEN} 'https://kubernetes/api/v1/namespaces/default/configmaps?watch=true'"
    )
    assert done.rc == 28
    assert '"type":"ADDED"' in done.stdout.replace(" ", "")
    assert "Operation timed out after 2" in done.stderr


def test_verbose_prints_the_certificate_and_the_headers(lab: Lab) -> None:
    stderr = lab.exec(f"curl -sv --cacert {MOUNT}/ca.crt https://kubernetes").stderr
    for line in (
        "*  issuer: CN=kubernetes",
        "*  SSL certificate verify ok.",
        "> GET / HTTP/2",
        "> User-Agent: curl/8.14.1",
        "< HTTP/2 403 ",
    ):
        assert line in stderr


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://kubernetes/x?y=z#f", "/x?y=z"),
        ("HTTPS://kubernetes:443", "/"),
        ("https://kubernetes/a/../b", "/b"),
    ],
)
def test_the_target_that_is_requested(lab: Lab, url: str, target: str) -> None:
    assert f"> GET {target} HTTP/2\n" in lab.exec(f"curl -skv {url}").stderr


def test_unknown_variables_of_write_out_are_reported(lab: Lab) -> None:
    done = lab.exec("curl -s -w '%{time_total}%{http_code}' http://localhost:1")
    assert (done.rc, done.stdout) == (7, "000")
    assert (
        done.stderr == "curl: --write-out variable 'time_total': not simulated in this lab's pods\n"
    )


@pytest.mark.parametrize(
    ("url", "rc", "message"),
    [
        ("smtps://kubernetes:443", 1, "smtps://: not simulated in this lab's pods"),
        ("gopherus://x", 1, 'Protocol "gopherus" not supported'),
    ],
)
def test_other_protocols(lab: Lab, url: str, rc: int, message: str) -> None:
    failed = lab.exec(f"curl -sS {url}")
    assert (failed.rc, failed.stderr) == (rc, f"curl: ({rc}) {message}\n")
