"""Decides what a test does that needs a real peer where none can run: it skips, and says why.

Where the lab is required (``OSS_AGENT_REQUIRE_LAB=1``) it fails instead: nothing is left unchecked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.errors import LabUnavailable


@contextmanager
def needed() -> Iterator[None]:
    """Enter this before the peer: ``with lab_or_skip.needed(), peers.snmpd() as agent: …``."""
    try:
        yield
    except LabUnavailable as missing:
        if os.environ.get("OSS_AGENT_REQUIRE_LAB") == "1":
            raise
        pytest.skip(f"the lab cannot run here: {missing.reason}")
