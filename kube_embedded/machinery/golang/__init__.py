"""Go's formats that responses contain: JSON errors, YAML, quoted strings, durations."""
