"""The node: a kubelet and a scheduler, which run pods, mount tokens and exec."""
