"""Go's formats where answers show them: JSON errors, YAML, quoted strings, durations."""
