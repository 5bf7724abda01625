"""The tree of all sections: one frozen value, from arguments, environment and file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pydantic
import pydantic_settings as ps
from pydantic.fields import FieldInfo

from oss_agent.settings.catalogue import Catalogue
from oss_agent.settings.http import Http
from oss_agent.settings.machine import Flow, Log, Store
from oss_agent.settings.network import Assurance, Backup, Discovery, Snmp
from oss_agent.settings.orders import Fulfilment, Orders
from oss_agent.settings.pools import POOLS, Pool
from oss_agent.settings.section import Section
from oss_agent.settings.telling import Billing, Connector, Outbox

PREFIX = "OSS_AGENT_"


def _differ(connectors: tuple[Connector, ...]) -> tuple[Connector, ...]:
    names = [one.name for one in connectors]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(f"two connectors are named {twice}")
    return connectors


class _Environment(ps.EnvSettingsSource):
    """Lists and tables as JSON; what is none is left for the tree to refuse, where it stands."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """The library would stop here at the first, and say which class of its own read it."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class Settings(ps.BaseSettings):
    """The tree. Built once by ``load`` and passed down by ``app``."""

    model_config = ps.SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, env_nested_delimiter="__"
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
    backup: Backup = pydantic.Field(default_factory=Backup)
    assurance: Assurance = pydantic.Field(default_factory=Assurance)
    catalogue: Catalogue = pydantic.Field(default_factory=Catalogue)
    pools: tuple[Pool, ...] = POOLS
    """What values are claimed from; what is written here replaces the default."""
    billing: Billing = pydantic.Field(default_factory=Billing)
    connectors: Annotated[tuple[Connector, ...], pydantic.AfterValidator(_differ)] = ()
    """Billing systems that are told in their own form, beside ``billing``."""
    outbox: Outbox = pydantic.Field(default_factory=Outbox)
    log: Log = pydantic.Field(default_factory=Log)

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
        del env_settings, dotenv_settings, file_secret_settings
        file = settings_cls.model_config.get("toml_file")
        toml = ps.TomlConfigSettingsSource(settings_cls, file)
        return init_settings, _Environment(settings_cls), toml

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


SECTIONS = tuple(
    name
    for name, field in Settings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
)
