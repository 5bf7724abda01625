"""What rooms do that may not know the audit stands in it, in the unit that it happens in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from oss_agent import audit
from oss_agent.app import deeds
from oss_agent.spi.audit import Deed


def test_a_deed_is_an_entry_and_goes_with_its_unit(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'agent.db'}")
    with engine.begin() as connection:
        audit.METADATA.create_all(connection)
    deed = Deed("default", datetime.now(UTC), "op", "trust", "device:pe1", {"fingerprint": "x"})
    with engine.begin() as connection:
        deeds.append(connection, deed)
    with engine.connect() as connection:
        deeds.append(connection, deed)
        connection.rollback()
        (row,) = connection.execute(sa.select(audit.ENTRIES)).mappings()
        assert (row["actor"], row["action"], row["subject"]) == ("op", "trust", "device:pe1")
        assert row["detail"] == '{"fingerprint":"x"}'
        assert audit.verify(connection) is None
    engine.dispose()
