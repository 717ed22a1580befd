"""labkit: learn in Jupyter how Kubernetes decides who may do what."""
