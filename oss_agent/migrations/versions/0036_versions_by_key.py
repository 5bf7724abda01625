"""Every version of a key by index: what is asked as of a moment read all that ever was."""

from __future__ import annotations

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_KEYS = (
    ("services", "id", ["id"]),
    ("service_resources", "service", ["service"]),
    ("device_states", "device", ["device"]),
    ("port_claims", "port", ["device", "port"]),
    ("configured", "device", ["device"]),
    ("ownership", "device", ["device"]),
    ("logical", "device", ["device"]),
    ("pool_claims", "pool", ["pool"]),
)


def upgrade() -> None:
    for table, name, columns in _KEYS:
        op.create_index(f"ix_inv_{table}_{name}", f"inv_{table}", columns)
