"""Admission plugins, which change or refuse a write after authorization and before storage."""
