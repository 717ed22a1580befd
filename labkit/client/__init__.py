"""Call an API server: transport, kubeconfig, manifests, tokens, kubectl, pods."""
