"""The embedded API server, in request order.

1. ``serving``         sockets: TLS, HTTP/1.1, WebSocket (the only place with them)
2. ``pipeline``        the one list of filters a request passes
3. ``request``         what a request asks for: verb, group, resource, namespace, name
4. ``authentication``  who is asking
5. ``audit``           the event that every request leaves behind
6. ``authorization``   may they
7. ``handlers``        decode, run the registry, encode
8. ``admission``       plugins that change or refuse a write
9. ``registry``        kinds, defaulting, validation, controllers
10. ``storage``        objects and their history

``node`` is what a kubelet would do, and may be left out. ``cluster`` wires it all.
"""
