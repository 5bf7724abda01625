"""From the settings' connectors to receivers: one constructor per kind, secrets resolved here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import bss_bridge.engine.hrefs
from bss_bridge.connectors import (
    cgrates,
    inbound,
    inbound_killbill,
    inbound_lago,
    inbound_plain,
    killbill,
    lago,
    openmeter,
    record,
    rollup,
    sender,
    talk,
    tmf635_push,
    tmf637_push,
    webhook,
)
from oss_agent import errors, settings
from oss_agent.spi.clock import Clock
from oss_agent.spi.events import EventSink, Receiver
from oss_agent.spi.store import Store

_BY_THE_DAY: Final = frozenset({"killbill"})
"""Kinds that take usage once a day."""


def receivers(
    tree: settings.Settings, mouth: sender.Mouth, rows: Store, links: bss_bridge.engine.hrefs.Hrefs
) -> tuple[Receiver, ...]:
    """Everybody in ``[[connectors]]``. ConfigurationError when a secret cannot be had."""
    return tuple(_receiver(of, mouth, rows, links) for of in tree.connectors)


def _receiver(
    of: settings.Connector, mouth: sender.Mouth, rows: Store, links: bss_bridge.engine.hrefs.Hrefs
) -> Receiver:
    told = sender.ConnectorReceiver(of.name, of.tenant, connector(of, links), mouth)
    return rollup.DailyReceiver(told, rows) if of.kind in _BY_THE_DAY else told


def lines(
    tree: settings.Settings, links: bss_bridge.engine.hrefs.Hrefs
) -> Mapping[str, inbound.Line]:
    """The connectors that may speak to us. ConfigurationError when a secret is short."""
    heard = [of for of in tree.connectors if of.inbound]
    return {
        of.name: inbound.Line(of.name, of.tenant, _ear(of, links), by_name=asked(of).by_name)
        for of in heard
    }


def _ear(of: settings.Connector, links: bss_bridge.engine.hrefs.Hrefs) -> inbound.Ear:
    secret = _secret(of.inbound) or ""
    if len(secret) < _SHORTEST:
        raise errors.ConfigurationError(
            f"connectors {of.name}: its inbound secret is shorter than {_SHORTEST} characters: make one "
            "with `openssl rand -hex 32`"
        )
    told = connector(of, links)
    if isinstance(told, killbill.KillBill):
        return inbound_killbill.KillBillEar(secret, told)
    if isinstance(told, lago.Lago):
        return inbound_lago.LagoEar(secret, told.url, told.token)
    return inbound_plain.PlainEar(secret)


_SHORTEST: Final = 16


def closer(tree: settings.Settings, rows: Store, sink: EventSink, time: Clock) -> rollup.Closer:
    """What ends the days of those who are told by the day."""
    daily = tuple(f"billing:{of.name}" for of in tree.connectors if of.kind in _BY_THE_DAY)
    return rollup.Closer(rows, sink, time, daily)


def connector(of: settings.Connector, links: bss_bridge.engine.hrefs.Hrefs) -> talk.Connector:
    """The connector that a section of the settings describes."""
    return _KINDS[of.kind](of, links)


def asked(of: settings.Connector) -> talk.Asked:
    """What is to be told, in the connectors' own words."""
    changes = frozenset(map(record.Change, of.statuses))
    if record.Change.SUSPENDED in changes:
        changes |= {record.Change.RESUMED}  # what was blocked and never released bills nobody
    return talk.Asked(
        tuple(map(record.Meter, of.meters)),
        changes,
        by_name=of.subscription == "name",
    )


def _secret(reference: str | None) -> str | None:
    return settings.resolve(reference) if reference else None


def _base(of: settings.Connector) -> str:
    return of.url.rstrip("/")


def _webhook(of: settings.Connector, links: bss_bridge.engine.hrefs.Hrefs) -> talk.Connector:
    return webhook.Webhook(of.url, asked(of), links, _secret(of.credential))


def _tmf635(of: settings.Connector, _: bss_bridge.engine.hrefs.Hrefs) -> talk.Connector:
    return tmf635_push.UsageManagement(_base(of), _secret(of.credential))


def _tmf637(of: settings.Connector, links: bss_bridge.engine.hrefs.Hrefs) -> talk.Connector:
    return tmf637_push.ProductInventory(_base(of), asked(of), links, _secret(of.credential))


def _lago(of: settings.Connector, _: bss_bridge.engine.hrefs.Hrefs) -> talk.Connector:
    return lago.Lago(_base(of), asked(of), of.plans, _secret(of.credential))


def _openmeter(of: settings.Connector, links: bss_bridge.engine.hrefs.Hrefs) -> talk.Connector:
    source = links.public_url or "urn:oss-agent"
    return openmeter.OpenMeter(_base(of), asked(of), source, _secret(of.credential))


def killbill_keys(of: settings.Connector) -> killbill.Keys:
    """Kill Bill's login and tenant; the settings have seen to it that all are there."""
    login, secret = _secret(of.credential) or "", _secret(of.api_secret) or ""
    return killbill.Keys(login, of.api_key, secret)


def _killbill(of: settings.Connector, _: bss_bridge.engine.hrefs.Hrefs) -> talk.Connector:
    return killbill.KillBill(_base(of), asked(of), killbill_keys(of))


def _cgrates(of: settings.Connector, _: bss_bridge.engine.hrefs.Hrefs) -> talk.Connector:
    form = cgrates.CdrForm(asked(of), of.realm)
    if of.directory is not None:
        return cgrates.CgratesCsv(str(of.directory), form)
    return cgrates.CgratesRpc(of.url, form, _secret(of.credential))


_KINDS: Final[
    Mapping[str, Callable[[settings.Connector, bss_bridge.engine.hrefs.Hrefs], talk.Connector]]
] = {
    "webhook": _webhook,
    "tmf635": _tmf635,
    "tmf637": _tmf637,
    "lago": _lago,
    "openmeter": _openmeter,
    "killbill": _killbill,
    "cgrates": _cgrates,
}
