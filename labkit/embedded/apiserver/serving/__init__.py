"""The only place with sockets: a TLS server over one cluster."""
