"""Decides what may be said in a specification file: its parts, as frozen values.

The words that references name are explained in ``specification``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

import pydantic

from oss_agent.spi import proof

Scope: TypeAlias = Literal["end", "pair", "device", "device-pair"]
"""What something is made once for: each end, each ordered pair of ends, and the same of devices."""


Status: TypeAlias = Literal["active", "retired"]
"""``retired``: no new orders; services and orders that have this version keep it."""
TAG = "{"
"""How the tags of references begin, which are no part of a place in a file."""
Version = Annotated[str, pydantic.Field(pattern=r"^[0-9]{1,4}\.[0-9]{1,4}$")]
Id = Annotated[str, pydantic.Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]


class Form(pydantic.BaseModel):
    """Frozen, strict, and a misspelt name is an error."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)


class Entry(Form):
    """What every catalogue file says of itself.

    ``text`` tells people what it is, ``updated`` the day when the file was last changed.
    """

    id: Id
    version: Version
    name: str
    updated: dt.date
    status: Status = "active"
    text: str


class Characteristic(Form):
    """What a sender may say; ``values`` decides which value fits.

    ``minimum`` and ``maximum`` bound an integer, or the number of sites. ``version`` is that of the
    Internet Protocol. ``fields`` are what a sender may say of each site. ``later``: a required one
    that may be said after the order was placed, which waits for it.
    """

    type: Literal["port", "integer", "name", "text", "prefix", "address", "route", "sites"]
    required: bool = False
    later: bool = False
    minimum: int | None = None
    maximum: int | None = None
    version: Literal[4, 6] | None = None
    fields: dict[str, Characteristic] = pydantic.Field(default_factory=dict)
    text: str

    @pydantic.model_validator(mode="after")
    def _later_is_required(self) -> Characteristic:
        if self.later and not self.required:
            raise ValueError("later is for required ones: the others need not come at all")
        if any(field.later for field in self.fields.values()):
            raise ValueError("a site comes whole: later is for characteristics, not their fields")
        return self

    @pydantic.model_validator(mode="after")
    def _sites_have_ports(self) -> Characteristic:
        if (self.type == "sites") != bool(self.fields):
            raise ValueError("sites have fields, and nothing else has")
        if self.fields and not is_required_port(self.fields.get("port")):
            raise ValueError("the field port of sites must be a required port")
        if any(field.type == "sites" for field in self.fields.values()):
            raise ValueError("sites within sites mean nothing")
        return self


def is_required_port(characteristic: Characteristic | None) -> bool:
    """Can it be an end?"""
    return characteristic is not None and characteristic.type == "port" and characteristic.required


class Pool(Form):
    """A value from ``pool``, one for the service or one ``per`` device of it.

    ``wish`` is the characteristic by which a sender may ask for one, ``length`` the whole number by
    which it may ask for any prefix so long.
    """

    pool: str
    wish: str | None = None
    length: str | None = None
    per: Literal["service", "device"] = "service"


class From(Form):
    """The value of a word; ``times`` multiplies a number, ``as`` turns an address, step by step.

    ``address`` leaves the prefix length out, ``network`` the host's bits, ``gateway`` is the first
    host of a prefix, with its length.
    """

    word: str = pydantic.Field(alias="from")
    times: int | None = None
    turned: list[Literal["address", "network", "gateway"]] = pydantic.Field(
        default_factory=list, alias="as"
    )


class Text(Form):
    """A value as it stands."""

    text: str


class Join(Form):
    """Words and plain text, one after another."""

    join: list[str]


class First(Form):
    """The first that is known."""

    first: list[From]


_KINDS = ("from", "text", "join", "first")


def _kind(said: Any) -> str | None:
    """Which form a reference has, by the word that only this form has."""
    if isinstance(said, Mapping):
        return next((TAG + kind for kind in _KINDS if kind in said), None)
    return TAG + type(said).__name__.lower()


Reference: TypeAlias = From | Text | Join | First
_Reference = Annotated[
    Annotated[From, pydantic.Tag("{from")]
    | Annotated[Text, pydantic.Tag("{text")]
    | Annotated[Join, pydantic.Tag("{join")]
    | Annotated[First, pydantic.Tag("{first")],
    pydantic.Discriminator(
        _kind,
        custom_error_type="reference",
        custom_error_message="it is no reference: write {from: WORD}, {text: ...}, {join: [...]} "
        "or {first: [...]}",
    ),
]


class ResourceForm(Form):
    """A decomposition rule: a resource of a resource-facing service, made once ``per`` scope.

    ``specification`` in its ``version`` says what the resource is, ``template`` what the platforms
    call its configuration, ``slots`` what fills its characteristics.
    """

    specification: Id
    version: Version
    template: str
    per: Scope
    slots: dict[str, _Reference]


class ResourceFacing(Form):
    """A resource-facing service specification: the service's part on one device.

    It has the version of the customer-facing one it stands in: its rules speak in the words of it.
    """

    id: Id
    name: str
    text: str
    resources: Annotated[list[ResourceForm], pydantic.Field(min_length=1)]


class Monitoring(Form):
    """What is watched of a living service, beside what proved it.

    ``ports``: the state and the octets of each end's port are polled, and billed as usage.
    """

    ports: Literal["each-end", "none"] = "each-end"


class PredicateForm(Form):
    """A predicate, made once ``per`` scope; ``at`` is the word for the device that is asked."""

    kind: str
    per: Scope
    at: Literal["end.device", "end.test_point.device"] = "end.device"
    need: Literal["must", "if-observable"] = "must"
    phase: Literal["held", "after"] = "held"
    params: dict[str, _Reference] = pydantic.Field(default_factory=dict)
    expect: dict[str, proof.Scalar] = pydantic.Field(default_factory=dict)
