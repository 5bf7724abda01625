"""What the service specifications need to know of the network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import pydantic

from oss_agent.settings.section import Section


def _community(text: str) -> str:
    halves = text.split(":")
    fits = re.fullmatch(r"[0-9]{1,5}:[0-9]{1,5}", text) and all(int(x) < 65_536 for x in halves)  # noqa: PLR2004 - 16 bits each
    if not fits:
        raise ValueError("must be two numbers from 0 to 65535, such as 65000:100")
    return text


Community = Annotated[str, pydantic.AfterValidator(_community)]


class Catalogue(Section):
    """What the service specifications need to know of the network."""

    as_number: int = pydantic.Field(default=65_000, ge=1, le=4_294_967_295)
    """The autonomous system of the network: what its routers' BGP runs as (RFC 6996 keeps 64512 to
    65534 for private use)."""
    internet_community: Community = "65000:100"
    """BGP community (RFC 1997) put on the prefixes of Internet access, by which borders know them."""
    internet_reference: pydantic.IPvAnyAddress | None = None
    """An address in the Internet that every Internet access is pinged to prove it. None: not proven."""
    folder: Path | None = None
    """A folder of your own specifications and offerings, beside the shipped ones (docs/catalogue.md)."""
