"""A simulated container: its main process, its logs, and what ``kubectl exec`` starts in it."""
