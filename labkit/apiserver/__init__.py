"""The embedded API server, in request order.

1. ``serving``         sockets: TLS, HTTP/1.1, WebSocket (the only place with them)
2. ``pipeline``        the one list of filters a request passes
3. ``requestinfo``     what a request asks for: verb, group, resource, namespace, name
4. ``authentication``  who is asking
5. ``audit``           the event that every request leaves behind
6. ``authorization``   may they
7. ``handlers``        decode, run the registry, encode
8. ``admission``       plugins that change or refuse a write
9. ``registry``        kinds, defaulting, validation, controllers
10. ``storage``        objects and their history

Beside the stages:

- all of it together:     ``cluster`` wires it; ``node`` is what a kubelet would do, and may be left out
- what travels:           ``request`` (request, caller, answer), ``status`` (errors as the API says them),
  ``protobuf`` (read), ``protobufout`` (written)
- what is said of kinds:  ``schema`` (their fields), ``discovery``, ``openapi``, ``tables`` (what
  ``kubectl get`` prints), ``version``
- keys and certificates:  ``keys``, ``certificates``, ``signingrequests``
- on a request's way:     ``deadline`` (``?timeout=``), ``flow`` (priority levels)
- time:                   ``steady`` (a clock for waiting, which is never set back)
- what stages share:      ``quota`` (arithmetic), ``nodeusers`` (who is a node), ``placement`` (which node suits
  a pod), ``pathsegments`` (names in paths), ``quoting`` (text as Go quotes it), ``remembering`` (a memory that
  nobody can fill)
"""
