"""A period that has begun names its first sample; those that had begun before 0045 are among them.

Else a service that left its port between an upgrade and the next record lost its last period. What had
left before the upgrade is not told late: until when it was there, its samples do not say.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

# Of an open period the newest sample of its service there is the first one.
_NAMED = """
UPDATE usg_open SET sample = (
    SELECT id FROM usg_sample
    WHERE usg_sample.meter_point = usg_open.meter_point AND usg_sample.service = usg_open.service
    ORDER BY at DESC LIMIT 1
)
"""

# Where an active service stands by now, and stood when its newest sample was taken, by the port's name of
# now or, renamed since, of before. Ports that exchanged their names find the same one: it is one row.
_BEGUN = """
INSERT INTO usg_open (meter_point, service, device, tenant, service_name, customer, sample)
SELECT DISTINCT n.meter_point, s.id, r.device, s.tenant, s.name, s.customer, n.id
FROM inv_service_resources r
JOIN inv_services s ON s.id = r.service
JOIN usg_sample n ON n.service = s.id AND n.id = (
    SELECT id FROM usg_sample
    WHERE usg_sample.service = s.id
      AND usg_sample.meter_point IN (r.device || ':' || r.port, r.device || ':' || r.formerly)
    ORDER BY at DESC, id DESC LIMIT 1
)
WHERE r.valid_to IS NULL AND r.known_to IS NULL AND r.meter = :yes
  AND s.valid_to IS NULL AND s.known_to IS NULL AND s.state = 'active'
  AND (r.formerly IS NOT NULL OR n.at >= r.valid_from)
  AND (s.resumed_at IS NULL OR n.at >= s.resumed_at)
  AND NOT EXISTS (
    SELECT 1 FROM usg_open o
    WHERE o.service = s.id
      AND o.meter_point IN (r.device || ':' || r.port, r.device || ':' || r.formerly)
  )
"""


def upgrade() -> None:
    with op.batch_alter_table("usg_open") as batch:
        batch.add_column(sa.Column("sample", sa.String(length=255), nullable=True))
    op.execute(_NAMED)
    op.execute("DELETE FROM usg_open WHERE sample IS NULL")
    op.execute(sa.text(_BEGUN).bindparams(sa.bindparam("yes", True, sa.Boolean())))
    with op.batch_alter_table("usg_open") as batch:
        batch.alter_column("sample", existing_type=sa.String(length=255), nullable=False)
