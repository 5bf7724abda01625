"""Every setting, in one frozen tree: TOML file first, then environment, each with unit and reason.

``OSS_AGENT_HTTP__PORT=9000`` overrides ``[http] port``. Nothing else in the agent reads the
environment. A secret is never a value here: it is a reference, ``file:PATH`` or ``env:NAME``,
resolved where it is used.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

import pydantic
import pydantic_settings as ps
from pydantic_core import ErrorDetails

from oss_agent import errors

_PREFIX = "OSS_AGENT_"
_REFERENCE = re.compile(r"file:.+|env:[A-Za-z_][A-Za-z0-9_]*")
_HTTP_URL = re.compile(r"https?://[^/\s]+", re.ASCII)
Seconds = Annotated[float, pydantic.Field(gt=0, le=86_400)]
Port = Annotated[int, pydantic.Field(ge=0, le=65_535)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Day, ...] = get_args(Day)


def _reference(text: str) -> str:
    if not _REFERENCE.fullmatch(text):  # the value itself is not repeated: it may be the secret
        raise ValueError("a secret is never a value here: write file:PATH or env:NAME")
    return text


def _http_url(text: str) -> str:
    if text and not _HTTP_URL.match(text):
        raise ValueError("must be an http:// or https:// URL with a host")
    return text


def _community(text: str) -> str:
    halves = text.split(":")
    fits = re.fullmatch(r"[0-9]{1,5}:[0-9]{1,5}", text) and all(int(x) < 65_536 for x in halves)  # noqa: PLR2004 - 16 bits each
    if not fits:
        raise ValueError("must be two numbers from 0 to 65535, such as 65000:100")
    return text


Community = Annotated[str, pydantic.AfterValidator(_community)]
SecretRef = Annotated[str, pydantic.AfterValidator(_reference)]
HttpUrl = Annotated[str, pydantic.AfterValidator(_http_url)]


class Section(pydantic.BaseModel):
    """A part of the tree: frozen, and a misspelt name is an error, not a silence."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class Store(Section):
    """Where rows live."""

    url: str = ""
    """SQLAlchemy URL. Empty: SQLite in the data directory; ``postgresql+psycopg://…`` for a
    server. The order motor follows it, so this one setting changes both."""


class Flow(Section):
    """The motor of order work."""

    workers: int = pydantic.Field(default=8, ge=1, le=64)
    """Orders in work at once on this node. Each costs some 0.4 s CPU on two devices, mostly SSH."""
    poll: Seconds = 0.2
    """Seconds between looks at the queue: the price of an idle daemon against an order's start."""


class Token(Section):
    """One machine's access to the API."""

    name: str
    """Who it is, for people."""
    secret: SecretRef
    """Where the token is, ``file:PATH`` or ``env:NAME``; at least 16 characters."""
    tenant: str = "default"
    """Whose orders, services and devices it sees."""
    roles: tuple[Literal["reader", "operator", "orderer", "admin"], ...] = ("reader",)
    """``reader`` sees, ``operator`` also plans and discovers, ``orderer`` also plans, orders and
    subscribes, ``admin`` may all."""


class Http(Section):
    """The API's listener."""

    bind: str = "127.0.0.1"
    """Address to listen on. Beyond loopback it is refused unless tokens are configured."""
    port: Port = 8642
    """TCP port; 0 lets the kernel choose (tests)."""
    fd: int | None = None
    """An already listening socket, inherited: the demo binds on the host, then changes namespace."""
    tokens: tuple[Token, ...] = ()
    """Bearer tokens. Empty means: whoever reaches loopback is the operator."""
    public_url: HttpUrl = ""
    """What hrefs start with; empty makes them relative, which every proxy survives."""
    callbacks: tuple[str, ...] = ()
    """Hosts or prefixes that hub callbacks may point to although they are private (SSRF guard)."""
    callback_style: Literal["listener", "direct"] = "listener"
    """POST to {callback}/listener/<event> (the specification) or to the callback itself (practice)."""

    partial: Literal[200, 206] = 200
    """Status of a page that is not the whole list; TMF630 says 206, no specification lists it."""

    @pydantic.model_validator(mode="after")
    def _no_open_door(self) -> Http:
        if not (self.tokens or self.fd is not None or is_loopback(self.bind)):
            raise ValueError(
                f"http.bind {self.bind} is reachable from outside, but there are no http.tokens: "
                "anyone could change the network. Configure a token, or bind 127.0.0.1"
            )
        return self


class Window(Section):
    """When devices may be written to, each week, UTC. Devices that no window covers always may."""

    scope: Literal["all", "device", "site", "platform"] = "all"
    """What it covers; ``name`` says which device, site or platform."""
    name: str = ""
    """Empty for scope ``all``."""
    days: tuple[Day, ...] = WEEK
    """Days on which it opens."""
    begins: dt.time
    """Opens at, ``22:00``."""
    ends: dt.time
    """Closes at; earlier than ``begins`` means on the next day."""

    @pydantic.model_validator(mode="after")
    def _hangs_together(self) -> Window:
        if (self.scope == "all") is bool(self.name):
            raise ValueError("scope all has no name, every other scope needs one")
        if not self.days:
            raise ValueError("a window without days never opens: pause writes instead")
        return self


class Fulfilment(Section):
    """How orders meet devices."""

    confirm_within: Seconds = 120.0
    """Seconds until a device undoes an unconfirmed commit by itself: 3x the worst restart of ours."""
    rpc_timeout: Seconds = 30.0
    """Seconds for one answer of a device; a slower commit is read back, never guessed."""
    prove_within: Seconds = 20.0
    """Seconds for all predicates to become true, inside the confirm window (at most half of it)."""
    device_deadline: Seconds = 3600.0
    """Seconds an order waits for a device that is down or locked before it fails."""
    retry: Seconds = 5.0
    """Seconds before the next try of a waiting order, doubled with jitter up to a minute."""
    group: int = pydantic.Field(default=16, ge=1, le=64)
    """Orders for the same devices that one commit may carry while they wait; 1: each by itself."""
    windows: tuple[Window, ...] = ()
    """Change windows: outside them an order waits. ``oss-agent pause`` is for everything else."""
    breaker_votes: int = pydantic.Field(default=3, ge=0, le=100)
    """So many failed proofs in a row on one platform pause its writes and call a person; 0: never."""
    approval: Literal["never", "large", "always"] = "large"
    """Whose plan a person must approve first: ``large`` means more than ``large_devices`` devices."""
    large_devices: int = pydantic.Field(default=20, ge=1)
    """Devices one item may change without a person's approval."""
    approve_within: Seconds = 86_400.0
    """Seconds a plan waits for approval before the order fails and gives back what it reserved."""

    @pydantic.model_validator(mode="after")
    def _proof_fits(self) -> Fulfilment:
        if self.prove_within > self.confirm_within / 2:
            raise ValueError(
                f"prove_within {self.prove_within:g} s is more than half of confirm_within "
                f"{self.confirm_within:g} s: the device would undo the change while it is proven"
            )
        if self.rpc_timeout > self.confirm_within / 3:
            raise ValueError(
                f"rpc_timeout {self.rpc_timeout:g} s is more than a third of confirm_within "
                f"{self.confirm_within:g} s: one late answer would use up the time to decide in; "
                "raise confirm_within or lower rpc_timeout"
            )
        return self


class Orders(Section):
    """What becomes of orders in trouble."""

    fallout: Literal["fail", "hold", "rollback"] = "fail"
    """An item that fails for good ends ``failed``, is held until a person decides
    (``oss-agent fallout``), or takes back what its order had completed (``rollback``: all or nothing);
    an order may say otherwise by the header ``Fallout``."""
    fallout_within: Seconds = 604_800.0
    """Seconds that such an item is held, with what it reserved, before it fails all the same."""
    information_within: Seconds = 604_800.0
    """Seconds that an item is ``pending`` for what its requester has still to say, before it ends
    ``cancelled``."""
    unsettled_after: Seconds = 900.0
    """Seconds that a device may stay other than decided until it is listed with the fallout."""


class Snmp(Section):
    """Polls and traps."""

    trap_bind: str = "127.0.0.1"
    """Address for traps. Traps are unauthenticated in v2c: bind the management address only."""
    trap_port: Port = 10_162
    """UDP port for traps; the standard one, 162, needs CAP_NET_BIND_SERVICE."""
    poll_interval: Seconds = 30.0
    """Seconds between two polls of a device."""
    timeout: Seconds = 1.0
    """Seconds to wait for the first answer; doubled per retry."""
    retries: int = pydantic.Field(default=2, ge=0, le=10)
    """How often a request is sent again, with the same request id."""


class Discovery(Section):
    """Looking at devices: what is there, and what it is built of."""

    interval: Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)] = 900.0
    """Seconds between two looks at a device, each device in its own slot; 0: only when somebody asks."""
    whole: Seconds = 3600.0
    """Seconds after which everything is read again, though the device tells that nothing changed."""
    together: int = pydantic.Field(default=16, ge=1, le=256)
    """Devices that are looked at at once."""


class Assurance(Section):
    """Watching services."""

    verify_after: Seconds = 120.0
    """Seconds until a trap's poll is repeated: late truth is common (Zino's second verification)."""
    usage_interval: Seconds = 300.0
    """Seconds of one usage record: what billing is told per service and meter point."""


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


class Pool(Section):
    """What values are claimed from: numbers, addresses of a prefix, or prefixes out of one."""

    name: str
    """What catalogue and orders call it: the E-Line takes its VNIs from ``core-vni``."""
    first: int | None = pydantic.Field(default=None, ge=0)
    """The lowest number of a range."""
    last: int | None = None
    """The highest number of a range, itself included."""
    prefix: pydantic.IPvAnyNetwork | None = None
    """Instead of a range: the prefix whose addresses are given out, IPv4 or IPv6; no other pool's
    may overlap it. It cannot be changed while somebody has a value of it: name another pool then."""
    length: int | None = pydantic.Field(default=None, ge=1, le=128)
    """With a prefix: prefixes of this length are given out, not addresses."""
    longest: int | None = pydantic.Field(default=None, ge=1, le=128)
    """With a length: prefixes of any length up to this one may be asked for, ``length`` is given
    when none is."""
    kind: Literal["number", "vlan", "vni", "as", "rd", "rt"] = "number"
    """What the numbers of a range are: it bounds them, and two pools of one kind may not overlap
    where the same number means the same in the whole network (VNI, AS, RD, RT)."""
    administrator: str | None = None
    """Of route distinguishers and targets (``rd``, ``rt``): the AS number or IPv4 address that
    stands before them. ``65000`` gives ``65000:100``, ``192.0.2.1`` gives ``192.0.2.1:100``."""
    quarantine: float = pydantic.Field(default=300.0, ge=0)
    """Seconds before a released value is given out again: somebody may still be using it."""
    unseen: float = pydantic.Field(default=86_400.0, ge=0)
    """The same for a value that the devices were not yet seen to be without, by what was read back
    from them: after this time alone it is given out all the same."""

    @pydantic.model_validator(mode="after")
    def _one_kind(self) -> Pool:
        if (self.first is None) != (self.last is None) or (self.first is None) == (
            self.prefix is None
        ):
            raise ValueError("a pool has either first and last, or a prefix")
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError(f"first {self.first} is above last {self.last}")
        if (self.kind in {"rd", "rt"}) != (self.administrator is not None):
            raise ValueError("an administrator is what pools of kind rd and rt have, and must have")
        if self.prefix is not None and self.kind != "number":
            raise ValueError(f"a prefix has addresses: kind {self.kind} is for first and last")
        self._check_length()
        return self

    def _check_length(self) -> None:
        if self.length is None:
            if self.longest is not None:
                raise ValueError("longest needs a length beside it")
            return
        if self.prefix is None:
            raise ValueError("only a pool with a prefix has a length")
        if not self.prefix.prefixlen <= self.length <= self.prefix.max_prefixlen:
            raise ValueError(f"{self.prefix} has no prefixes of length {self.length}")


_POOLS = (
    Pool(name="core-vni", first=10_100, last=10_199, kind="vni"),
    Pool(name="vpn-vni", first=10_200, last=10_999, kind="vni"),
    Pool(name="vpn-transit", prefix=ipaddress.ip_network("100.64.0.0/10")),
    Pool(name="internet-v4", prefix=ipaddress.ip_network("203.0.113.0/24"), length=30),
)
"""RFC 6598 keeps 100.64.0.0/10 for providers' inside; 203.0.113.0/24 is documentation's (RFC 5737):
who sells Internet access names the prefix that is his."""


class Billing(Section):
    """Where service status and usage go."""

    url: HttpUrl = ""
    """POSTed to, one event a request. Empty: nobody is told."""
    token: SecretRef | None = None
    """Bearer token for billing, by reference."""


class Connector(Section):
    """A billing system that is told in its own form; docs/billing.md has an example of each kind."""

    name: str = pydantic.Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    """What it is called here, and in the path of what comes back. Deliveries are kept under it."""
    kind: Literal["webhook", "tmf635", "tmf637", "lago", "openmeter", "killbill", "cgrates"]
    """Which form it is told in."""
    url: HttpUrl = ""
    """Where its API begins, as docs/billing.md shows for each kind."""
    directory: Path | None = None
    """CGRateS only, instead of ``url``: the directory where its event reader looks for CSV files."""
    credential: SecretRef | None = None
    """Bearer token, by reference; for Kill Bill ``user:password``."""
    api_key: str = ""
    """Kill Bill only: the API key of its tenant."""
    api_secret: SecretRef | None = None
    """Kill Bill only: the API secret of its tenant, by reference."""
    inbound: SecretRef | None = None
    """The secret by which what comes back is known, at least 16 characters. None: nothing may come."""
    tenant: str = "default"
    """Whose services it bills: it is told of no other's, and orders for no other."""
    meters: tuple[Literal["octets_in", "octets_out", "octets"], ...] = ("octets_in", "octets_out")
    """What is told of usage; each is a metric of that name there. Empty: no usage."""
    statuses: tuple[
        Literal[
            "started",
            "changed",
            "suspended",
            "resumed",
            "terminated",
            "running",
            "degraded",
            "failed",
        ],
        ...,
    ] = ("started", "suspended", "resumed", "terminated")
    """Which changes of a service are told, as far as the kind has a word for them; whoever is told
    ``suspended`` is told ``resumed``, too."""
    subscription: Literal["id", "name"] = "id"
    """By what it knows a service: our id, or the name that the order gave."""
    plans: dict[str, str] = pydantic.Field(default_factory=dict)
    """Lago only: plan code by service specification; an active service of it becomes a subscription."""
    realm: str = "cgrates.org"
    """CGRateS only: the tenant there."""

    @pydantic.model_validator(mode="after")
    def _complete(self) -> Connector:
        if self.directory is not None and (self.kind != "cgrates" or self.url):
            raise ValueError("only CGRateS takes a directory, and instead of a url")
        if self.directory is None and not self.url:
            raise ValueError(f"{self.kind} needs a url")
        if self.kind == "killbill" and not (self.credential and self.api_key and self.api_secret):
            raise ValueError("killbill needs credential, api_key and api_secret")
        return self


Days = Annotated[float, pydantic.Field(gt=0, le=3_650)]


class Outbox(Section):
    """How patiently others are told what happened: hub listeners, billing."""

    parallel: int = pydantic.Field(default=8, ge=1, le=64)
    """Deliveries at once to one receiver, each of another entity; one that fails is tried by one."""
    longest_pause: Seconds = 300.0
    """Seconds at most between two tries; they begin at one second and double, with jitter."""
    late_after: Seconds = 900.0
    """Seconds an event may wait before a person is called by an alarm."""
    give_up_days: Days = 3.0
    """Days in which a receiver accepts nothing before it is told nothing more and an alarm says so."""
    patience_days: Days = 7.0
    """Days one event is tried before it is parked for a person; only what is about its entity waits."""
    keep_days: Days = 30.0
    """Days that events are kept after everybody has them."""


class Log(Section):
    """What is written while it runs."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is written."""
    form: Literal["text", "json"] = "text"
    """text for people, json for collectors; always on stderr."""


class Settings(ps.BaseSettings):
    """The tree. Built once by ``load`` and passed down by ``app``."""

    model_config = ps.SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="OSS_AGENT_", env_nested_delimiter="__"
    )

    data: Path = Path("data")
    """Directory for databases and credentials (created 0700)."""
    store: Store = pydantic.Field(default_factory=Store)
    flow: Flow = pydantic.Field(default_factory=Flow)
    http: Http = pydantic.Field(default_factory=Http)
    fulfilment: Fulfilment = pydantic.Field(default_factory=Fulfilment)
    orders: Orders = pydantic.Field(default_factory=Orders)
    snmp: Snmp = pydantic.Field(default_factory=Snmp)
    discovery: Discovery = pydantic.Field(default_factory=Discovery)
    assurance: Assurance = pydantic.Field(default_factory=Assurance)
    catalogue: Catalogue = pydantic.Field(default_factory=Catalogue)
    pools: tuple[Pool, ...] = _POOLS
    """What values are claimed from; what is written here replaces the default."""
    billing: Billing = pydantic.Field(default_factory=Billing)
    connectors: tuple[Connector, ...] = ()
    """Billing systems that are told in their own form, beside ``billing``."""
    outbox: Outbox = pydantic.Field(default_factory=Outbox)
    log: Log = pydantic.Field(default_factory=Log)

    @pydantic.model_validator(mode="after")
    def _connectors_differ(self) -> Settings:
        names = [one.name for one in self.connectors]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"two connectors are named {twice}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[ps.BaseSettings],
        init_settings: ps.PydanticBaseSettingsSource,
        env_settings: ps.PydanticBaseSettingsSource,
        dotenv_settings: ps.PydanticBaseSettingsSource,
        file_secret_settings: ps.PydanticBaseSettingsSource,
    ) -> tuple[ps.PydanticBaseSettingsSource, ...]:
        """Arguments (tests), then environment, then the file. No .env, no secrets directory."""
        del dotenv_settings, file_secret_settings
        file = settings_cls.model_config.get("toml_file")
        toml = ps.TomlConfigSettingsSource(settings_cls, file)
        return init_settings, env_settings, toml

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every reference to a secret in the tree."""
        of_billing = [self.billing.token]
        for one in self.connectors:
            of_billing += [one.credential, one.api_secret, one.inbound]
        named = tuple(secret for secret in of_billing if secret)
        return tuple(token.secret for token in self.http.tokens) + named

    @property
    def store_url(self) -> str:
        """The database of our own rows."""
        return self.store.url or f"sqlite:///{(self.data / 'oss-agent.db').absolute()}"

    @property
    def flow_url(self) -> str:
        """The motor's database: its own SQLite file, or the same PostgreSQL."""
        if self.store.url and not self.store.url.startswith("sqlite"):
            return self.store.url
        return f"sqlite:///{(self.data / 'engine.db').absolute()}"


def is_loopback(bind: str) -> bool:
    """Is this address (or ``localhost``) reachable from this machine only?"""
    try:
        return ipaddress.ip_address(bind).is_loopback
    except ValueError:
        return bind == "localhost"


def load(file: Path | None = None) -> Settings:
    """Read the file (if any) and the environment. ConfigurationError names every wrong field."""
    if file is not None and not file.is_file():
        raise errors.ConfigurationError(f"{file} is not a file: name a TOML file or leave it out")

    class FromFile(Settings):
        model_config = ps.SettingsConfigDict(
            frozen=True,
            extra="forbid",
            env_prefix="OSS_AGENT_",
            env_nested_delimiter="__",
            toml_file=file,
        )

    _refuse_unknown_sections()
    try:
        return FromFile()
    except pydantic.ValidationError as bad:
        raise errors.ConfigurationError("settings: " + "; ".join(map(_said, bad.errors()))) from bad
    except ps.SettingsError as bad:  # only the environment is decoded field by field
        raise errors.ConfigurationError(
            f"environment: {bad}; lists and tables are written as JSON there"
        ) from bad
    except (OSError, ValueError) as bad:
        raise errors.ConfigurationError(f"{file}: {bad}") from bad


def _said(found: ErrorDetails) -> str:
    """One mistake as ``section.field: what is wrong``, without the library's own words."""
    where = ".".join(map(str, found["loc"])) or "settings"
    if found["type"] == "extra_forbidden":
        return f"{where}: there is no such setting, see docs/configuration.md"
    return f"{where}: {found['msg'].removeprefix('Value error, ')}"


def _refuse_unknown_sections() -> None:
    """OSS_AGENT_HTPP__PORT would be ignored by the library, and the daemon run on the default."""
    for name in sorted(os.environ):
        section, parted, _ = name.upper().removeprefix(_PREFIX).partition("__")
        if name.upper().startswith(_PREFIX) and parted and section.lower() not in _SECTIONS:
            raise errors.ConfigurationError(
                f"environment: {name}: there is no section {section.lower()}; there are "
                + ", ".join(_SECTIONS)
            )


_SECTIONS = tuple(
    name
    for name, field in Settings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
)


def resolve(reference: str) -> str:
    """The secret behind ``file:PATH`` or ``env:NAME``. ConfigurationError when it is not there."""
    kind, _, where = reference.partition(":")
    if kind == "env":
        value = os.environ.get(where)
        if not value:
            raise errors.ConfigurationError(f"secret {reference}: the variable is not set")
        return value
    try:
        return Path(where).read_text(encoding="utf-8").strip()
    except OSError as bad:
        raise errors.ConfigurationError(f"secret {reference}: {bad.strerror}") from bad


def environment() -> Mapping[str, str]:
    """The environment as it is now, for what resolves ``env:`` references and armed failpoints."""
    return dict(os.environ)
