"""Deciding whether they may."""
