"""The topologies that ship with the lab."""

from __future__ import annotations

from pathlib import Path

TELCO5 = Path(__file__).parent / "telco5.clab.yml"
RING30 = TELCO5.parent / "ring30.clab.yml"
SRL_FRR = TELCO5.parent / "srl-frr.clab.yml"
