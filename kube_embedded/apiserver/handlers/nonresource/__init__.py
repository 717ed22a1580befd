"""Paths that name no resource: discovery, OpenAPI, OpenID, health, version, snapshots."""
