"""What a kubelet would do: run pods, mount tokens, exec."""
