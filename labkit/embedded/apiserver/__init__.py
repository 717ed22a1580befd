"""The embedded API server, in request order.

1. ``serving``         sockets: TLS, HTTP/1.1, WebSocket (the only place with them)
2. ``filters``         the one list of filters that a request passes, and those that are not stages of their own
3. ``authentication``  who is asking
4. ``authorization``   may they
5. ``handlers``        route, decode, run the registry, represent
6. ``openapi``         discovery and the OpenAPI documents
7. ``admission``       plugins that change or refuse a write
8. ``registry``        defaulting, validation, and what is kept of each kind
9. ``storage``         objects and their history
"""
