"""How the index's tables became what they are: Alembic's scripts, run at each start of the station."""
