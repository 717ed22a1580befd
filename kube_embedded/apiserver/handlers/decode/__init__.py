"""From a request's body and query parameters to objects and options."""
