"""The lab as learners use it: a cluster and its callers, the functions for steps, exercises and notebooks."""
