"""Handlers answer the requests that the filters let through. A request goes down these packages.

1. ``routing``       which kind and verb the path and method mean; ``nonresource`` for all other paths
2. ``verbs``         get, list, watch, create, update, patch, delete of stored objects
   ``subresources``  parts of an object with rules of their own: binding, eviction, scale, proxy
   ``computed``      kinds that are answered and never stored: reviews, token requests
3. ``admission``     admission plugins, as writes call them
4. ``decode``        from bodies and query parameters to objects and options
   ``represent``     from objects to the bytes that the caller asked for

A handler decodes, calls the registry, and returns a ``Result``; ``routing`` has it represented.
A number in a function's docstring is the code of an ``ApiError`` that it raises: "415 for an unknown one".
"""
