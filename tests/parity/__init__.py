"""Replay the recorded answers of a real kube-apiserver, and compare.

``python -m tests.parity --help`` lists its commands. ``data/`` has the recordings
and their README, ``accepted.toml`` the accepted differences and their reasons.
"""
