"""Replay what a real kube-apiserver answered, and compare.

``python -m tests.parity --help`` lists what it can do. ``data/`` holds the recordings
and their README, ``accepted.toml`` the differences we accept and why.
"""
