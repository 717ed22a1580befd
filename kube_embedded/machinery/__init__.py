"""The parts that the components of the embedded cluster share: requests, errors, kinds, schemas, keys."""
