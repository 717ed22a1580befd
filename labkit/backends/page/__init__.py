"""The lab in a page of a browser: the embedded cluster in this process, its addresses, and its snapshot."""

from .page import Page

__all__ = ["Page"]
