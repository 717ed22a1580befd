"""The network as a container sees it: plain callables instead of sockets."""
