"""Pods: what one may say, what its author leaves out, what may change later.

``strategy`` puts it together in the order of a write; ``validation`` also holds the templates of workloads.
"""
