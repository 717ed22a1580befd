"""Real clients, not only ours: each lists, creates, patches, watches, is forbidden, and execs."""
