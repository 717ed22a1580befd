"""Tests of what quotas measure."""
