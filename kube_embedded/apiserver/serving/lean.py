"""Fast start: the work that a server process defers until after its first response."""

import gc


def defer_collection() -> None:
    """Disable garbage collection while modules are loaded."""
    gc.disable()


def resume_collection() -> None:
    """Enable garbage collection, and exempt everything loaded so far."""
    gc.collect()
    gc.freeze()
    gc.enable()
