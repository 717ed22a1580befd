"""The TLS server in front of a cluster; the only package with sockets."""
