"""Scenarios of learners in each part, on a cluster on paper."""
