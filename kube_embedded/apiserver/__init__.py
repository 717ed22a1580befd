"""The embedded API server, in request order.

1. ``serving``         sockets: TLS, HTTP/1.1, WebSocket (the only place with them)
2. ``filters``         the list of filters that a request passes, and the filters that are not stages of their own
3. ``authentication``  identifies the caller
4. ``authorization``   decides whether the caller is allowed to do it
5. ``handlers``        route, decode, run the registry, represent
6. ``openapi``         discovery and the OpenAPI documents
7. ``admission``       plugins that change or refuse a write
8. ``registry``        defaulting, validation, and the stored form of each kind
9. ``storage``         objects and their history
"""
