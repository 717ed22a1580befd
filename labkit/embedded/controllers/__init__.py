"""The controllers: each brings stored objects to what their specs ask for, inside the write that changes them."""

MANAGER = "kube-controller-manager"
"""The field manager of what controllers write."""
