"""Go's ways of writing things, where an answer shows them: JSON, YAML, quoted text, durations."""
