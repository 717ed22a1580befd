def default_backend():
    """There is one."""
