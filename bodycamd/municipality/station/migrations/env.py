"""Run by Alembic: on the connection that `Index.open` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from bodycamd.municipality.station.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
