"""Helpers that several suites share: real servers, and ways to talk to them."""
