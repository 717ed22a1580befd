"""Authorization: decides whether a caller is allowed to make a request."""
