"""Commands in pods over WebSocket: channels, exit codes, terminals."""
