"""Rules of fields that several kinds have."""
