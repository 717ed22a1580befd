"""From a resource request to its handler, and from the result to the response."""
