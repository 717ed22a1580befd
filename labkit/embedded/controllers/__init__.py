"""Controllers: functions of a change, run to quiescence inside the write that caused it."""
