"""For developers: write the migration that takes the newest schema to the rooms' tables.

``python -m oss_agent.migrations "Add the door to the house"``; read it, name it, test it.
"""

from __future__ import annotations

import sys
import tempfile

from alembic import command

from oss_agent import database
from oss_agent.migrations import rooms, upgrade


def write(message: str) -> None:
    """Compare a fresh database at the newest revision with the rooms, and write the difference."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/fresh.db"
        upgrade.migrate(url)
        engine = database.writer(database.parse(url))
        with engine.connect() as connection:
            config = upgrade.configuration(connection)
            config.attributes["rooms"] = rooms.everything()
            number = f"{len(upgrade.revisions()) + 1:04}"
            command.revision(config, message, autogenerate=True, rev_id=number)
        engine.dispose()


if __name__ == "__main__":
    write(sys.argv[1])
