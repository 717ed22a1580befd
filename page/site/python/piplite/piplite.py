"""The kernel's start sets addresses here, which nothing uses."""
