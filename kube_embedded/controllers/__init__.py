"""The controllers: each moves stored objects towards their specs, inside the write that changes them."""

MANAGER = "kube-controller-manager"
"""The field manager of what controllers write."""
