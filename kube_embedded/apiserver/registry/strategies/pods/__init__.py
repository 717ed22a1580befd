"""The strategy of Pods: defaults, validation, and the changes that are allowed.

``strategy`` puts it together in the order of a write; ``validation`` also holds the templates of workloads.
"""
