"""Plugins that change or refuse a write, after authorization and before storage."""
