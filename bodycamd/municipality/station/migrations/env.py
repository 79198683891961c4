"""How the index's tables became what they are. Run by Alembic, on the connection that `Index.open` hands over, in its transaction; a file
of its folder and no module of the package: it cannot be imported by itself.
"""

from __future__ import annotations

from alembic import context

from bodycamd.municipality.station.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
