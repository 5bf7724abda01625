"""The room of backups, wired: by whose logins devices are read, who hears of orders, what is audited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

import inventory.backup.backup_desk
import inventory.backup.backup_look
import inventory.backup.backups
from oss_agent import audit
from oss_agent.app import ground, tuning
from oss_agent.assurance import schedule
from oss_agent.fulfilment import limits
from oss_agent.fulfilment.record import census
from oss_agent.fulfilment.talk import backup_reader, connections


@dataclass(frozen=True, slots=True)
class Backups:
    """The role and the desk."""

    role: inventory.backup.backups.Backups
    desk: inventory.backup.backup_desk.BackupDesk


def build(on: ground.Ground, lines: connections.Connections, bounds: limits.Limits) -> Backups:
    """Construct; ``lines`` are the logins that orders use."""
    of = on.tree.backup
    reader = backup_reader.BackupReader(on.drivers, lines, bounds)
    keeper = inventory.backup.backup_look.Keeper(on.rows, reader, on.time, tuning.kept(of))
    role = inventory.backup.backups.Backups(
        on.rows, keeper, on.time, schedule.due, tuning.backup(of), census.ended_since
    )
    desk = inventory.backup.backup_desk.BackupDesk(on.rows, on.time, reader, role.take, _audited)
    return Backups(role, desk)


def _audited(connection: sa.Connection, tenant: str, at: datetime, who: str, device: str) -> None:
    entry = audit.Entry(tenant, at, who, "backup secrets", f"device:{device}")
    audit.append(connection, entry)
