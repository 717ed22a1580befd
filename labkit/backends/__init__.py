"""The three kinds of cluster behind one protocol, so that the rest of labkit does not depend on any of them."""
