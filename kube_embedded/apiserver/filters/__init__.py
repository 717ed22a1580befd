"""The filters that a request passes before a handler answers it, in one list (``pipeline``)."""
