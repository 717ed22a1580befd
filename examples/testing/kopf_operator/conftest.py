pytest_plugins = ["kube_embedded.testing.pytest_plugin"]
