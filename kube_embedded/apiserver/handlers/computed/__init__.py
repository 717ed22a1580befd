"""Kinds whose objects are computed when they are asked for, and never stored."""
