"""Every version of a port, VLAN or VRF is found by its name: as of a moment all of its device's were read."""

from __future__ import annotations

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_inv_interfaces_port", "inv_interfaces", ["device", "name"])
    op.create_index("ix_inv_logical_name", "inv_logical", ["device", "kind", "name"])
    op.drop_index("ix_inv_logical_device", "inv_logical")
