"""One API call and what it takes: transport, kubeconfig, manifests, tokens, kubectl, pods."""
