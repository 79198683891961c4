"""The station's unit in a container: installed, behind nginx with TLS, on PostgreSQL (scripts/test-station-unit)."""
