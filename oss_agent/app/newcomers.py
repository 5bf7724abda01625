"""How a device becomes one of ours: found, recognised, logged in to, trusted, proven; wired together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import inventory.devices.devices
import inventory.devices.standings
import inventory.onboarding.credential_trial
import inventory.onboarding.hello_look
import inventory.onboarding.onboarding
import inventory.onboarding.scouting
from device_models import detect
from drivers import key_scan, ssh_banner
from drivers.netconf import greeting
from oss_agent.app import deeds, ground
from oss_agent.fulfilment.turn import trial_leases
from oss_agent.platforms import proofs, proving
from oss_agent.spi import events, logins


@dataclass(frozen=True, slots=True)
class Newcomers:
    """Everybody who has a part in it."""

    onboarding: inventory.onboarding.onboarding.StoredOnboarding
    scout: inventory.onboarding.scouting.AddressScout
    trial: inventory.onboarding.credential_trial.CredentialTrial
    laws: proving.LawRunner


async def build(
    on: ground.Ground,
    devices: inventory.devices.devices.StoredDevices,
    sink: events.EventSink,
    looked: Callable[[str], None],
    sending: logins.Sending,
) -> Newcomers:
    """Construct; ``looked`` hears of each device that was asked what it is.

    Drivers and settings may be others since the last start: which devices may be written to is
    settled anew.
    """
    shown = proofs.InstalledProofs()
    enforced = on.tree.discovery.unproven == "read-only"
    standing = inventory.devices.standings.Standings(shown, detect.detect, enforced=enforced)
    await on.rows.write(lambda c: standing.settle_all(c, on.time.now()))
    look = _look(on, devices, standing, sink)
    return Newcomers(
        _onboarding(on, devices, standing, sink, look, looked, sending),
        _scout(on, standing, sink),
        _trial(on, devices, look),
        _laws(on, devices, standing, shown, sending),
    )


def _credentials(on: ground.Ground) -> Path:
    """Where logins are kept."""
    return on.tree.data / "credentials"


def _look(
    on: ground.Ground,
    devices: inventory.devices.devices.StoredDevices,
    standing: inventory.devices.standings.Standings,
    sink: events.EventSink,
) -> inventory.onboarding.hello_look.HelloLook:
    """Asks a trusted device that nobody knows for its NETCONF hello."""
    ways = inventory.onboarding.hello_look.Ways(
        greeting.read, ssh_banner.read, on.snmp, detect.detect, standing
    )
    return inventory.onboarding.hello_look.HelloLook(
        on.rows, on.time, devices, ways, sink, deeds.append
    )


def _onboarding(
    on: ground.Ground,
    devices: inventory.devices.devices.StoredDevices,
    standing: inventory.devices.standings.Standings,
    sink: events.EventSink,
    look: inventory.onboarding.hello_look.HelloLook,
    looked: Callable[[str], None],
    sending: logins.Sending,
) -> inventory.onboarding.onboarding.StoredOnboarding:
    """Logs in, reads and trusts."""
    return inventory.onboarding.onboarding.StoredOnboarding(
        on.rows,
        on.time,
        devices,
        on.drivers,
        on.snmp,
        key_scan.scan,
        _credentials(on),
        sink=sink,
        told=deeds.append,
        looked=looked,
        standing=standing,
        trusted=look.learn,
        against=detect.against,
        detect=detect.detect,
        sending=sending,
    )


def _scout(
    on: ground.Ground, standing: inventory.devices.standings.Standings, sink: events.EventSink
) -> inventory.onboarding.scouting.AddressScout:
    """Takes in devices by address, before any login."""
    ways = inventory.onboarding.scouting.Ways(
        key_scan.scan, ssh_banner.read, on.snmp, detect.detect, on.drivers, standing
    )
    return inventory.onboarding.scouting.AddressScout(
        on.rows, on.time, ways, _credentials(on), sink, deeds.append
    )


def _trial(
    on: ground.Ground,
    devices: inventory.devices.devices.StoredDevices,
    look: inventory.onboarding.hello_look.HelloLook,
) -> inventory.onboarding.credential_trial.CredentialTrial:
    """Tries several logins on a device in turn."""
    return inventory.onboarding.credential_trial.CredentialTrial(
        on.rows,
        on.time,
        devices,
        on.drivers,
        _credentials(on),
        deeds.append,
        greeting=greeting.read,
        found=look.learn,
    )


def _laws(
    on: ground.Ground,
    devices: inventory.devices.devices.StoredDevices,
    standing: inventory.devices.standings.Standings,
    shown: proofs.InstalledProofs,
    sending: logins.Sending,
) -> proving.LawRunner:
    """Runs a driver's laws on a device that is read-only."""
    ways = proving.Ways(
        on.rows,
        on.time,
        devices,
        on.drivers,
        standing,
        shown,
        shown.trials,
        trial_leases.take,
        trial_leases.release,
        deeds.append,
        sending,
    )
    return proving.LawRunner(ways)
