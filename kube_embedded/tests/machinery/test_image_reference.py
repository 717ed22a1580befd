"""Names of images: what is read from them, and what is wrong with the others."""

from __future__ import annotations

import pytest

from kube_embedded.machinery.image_reference import (
    MAX_NAME,
    MAX_PATH,
    Reference,
    parse_reference,
    reference_problem,
)

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "reference", "full"),
    [
        (
            "nginx",
            Reference("docker.io", "library/nginx", "latest", True),
            "docker.io/library/nginx:latest",
        ),
        (
            "nginx:latest",
            Reference("docker.io", "library/nginx", "latest", True),
            "docker.io/library/nginx:latest",
        ),
        (
            "nginx:1.27",
            Reference("docker.io", "library/nginx", "1.27"),
            "docker.io/library/nginx:1.27",
        ),
        (
            "bitnami/kubectl",
            Reference("docker.io", "bitnami/kubectl", "latest", True),
            "docker.io/bitnami/kubectl:latest",
        ),
        (
            "index.docker.io/nginx:1",
            Reference("docker.io", "library/nginx", "1"),
            "docker.io/library/nginx:1",
        ),
        ("localhost/a:1", Reference("localhost", "a", "1"), "localhost/a:1"),
        ("host:5000/a:1", Reference("host:5000", "a", "1"), "host:5000/a:1"),
        ("example.com/a/b:1", Reference("example.com", "a/b", "1"), "example.com/a/b:1"),
        ("Host/a:1", Reference("Host", "a", "1"), "Host/a:1"),
        (
            f"nginx@{DIGEST}",
            Reference("docker.io", "library/nginx", DIGEST),
            f"docker.io/library/nginx@{DIGEST}",
        ),
        (
            f"nginx:1@{DIGEST}",
            Reference("docker.io", "library/nginx", DIGEST),
            f"docker.io/library/nginx@{DIGEST}",
        ),
        (
            f"nginx:latest@{DIGEST}",
            Reference("docker.io", "library/nginx", DIGEST, True),
            f"docker.io/library/nginx@{DIGEST}",
        ),
    ],
)
def test_names_are_taken_apart(text: str, reference: Reference, full: str) -> None:
    assert parse_reference(text) == reference
    assert reference.full == full


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "invalid reference format"),
        ("a b", "invalid reference format"),
        ("nginx:", "invalid reference format"),
        ("nginx@sha256:0a", "invalid reference format"),
        ("Nginx:1", "invalid reference format: repository name (library/Nginx) must be lowercase"),
        ("example.com/A", "invalid reference format: repository name (A) must be lowercase"),
        (
            "0a" * 32,
            f"invalid repository name ({'0a' * 32}), cannot specify 64-byte hexadecimal strings",
        ),
    ],
)
def test_names_that_are_none(text: str, problem: str) -> None:
    assert parse_reference(text) is None
    assert reference_problem(text) == problem


def test_a_path_is_limited() -> None:
    host = "example.com/"
    assert parse_reference(host + "a" * MAX_PATH) is not None
    assert parse_reference(host + "a" * (MAX_PATH + 1)) is None
    # The registry does not count, up to the length in which labkit searches.
    long_host = "h" * (MAX_NAME - len(".de/a"))
    assert parse_reference(f"{long_host}.de/a") is not None
    assert parse_reference(f"{long_host}h.de/a") is None
