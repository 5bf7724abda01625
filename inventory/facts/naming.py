"""Decides which name a port is known by: its ifName, because a device may renumber ifIndex. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from oss_agent.spi import ledger


@dataclass(frozen=True, slots=True)
class Row:
    """A row of ifTable: where it is, and what tells whether two rows are one port."""

    name: str
    index: int
    mac: str | None = None
    off: bool = False


def switched_off(admin: str, oper: str) -> bool:
    """Is a port (IF-MIB's words) neither wanted nor there? So agents show what was taken away."""
    return admin == "down" and oper in {"down", "notPresent", "lowerLayerDown", "unknown"}


def stable_names(rows: Sequence[Row]) -> list[str]:
    """Names, unique in the device.

    Devices exist that give two ports one name, or none: those are told apart by their ifIndex
    (``eth0#3``), which is as stable as such a device allows. A device may name a port ``eth0#3`` itself:
    then the number is repeated.

    net-snmp goes on showing an interface that was taken away beside the one that was made under its
    name: where rows of one name have one MAC address, and all but one are off, that one is the port.
    """
    plain = _plain(rows)
    taken = {row.name for row in plain}
    return [row.name if row in plain else _numbered(row, taken) for row in rows]


@dataclass(frozen=True, slots=True)
class Known:
    """A port as the last look left it; ``index`` is None where the device tells none."""

    name: str
    index: int | None = None
    mac: str | None = None


def as_known(rows: Sequence[Row], known: Sequence[Known]) -> ledger.NamedPorts:
    """Names of a poll's rows, as the last look called the ports; and which of those are in doubt.

    A row is settled when its ifIndex is that of a port which is called so. One that is not may be the
    same port under another number, one made anew beside what is left of it, or another one: what a look
    would tell by name and MAC address is told here, and where only a look can tell, the ports that it
    may be are doubted.
    """
    there = {port.index: port for port in known}
    settled = [_is_called(row, there.get(row.index)) for row in rows]
    stable = stable_names(rows)
    unclear = _unclear(rows, settled)
    beside = {row.name for row, sure in zip(rows, settled, strict=True) if not sure} - unclear
    names = [
        there[row.index].name if sure and row.name not in beside else name
        for row, sure, name in zip(rows, settled, stable, strict=True)
    ]
    if len(set(names)) < len(names):  # the device gives a port a name that carries another's number
        names = stable
    loose = [(row, name) for row, sure, name in zip(rows, settled, names, strict=True) if not sure]
    doubted = {port.name for port in known if _own_name(port) in unclear}
    doubted |= _renamed(known, names, loose) | _exchanged(known, rows, loose)
    return ledger.NamedPorts(tuple(names), frozenset(doubted))


def _unclear(rows: Sequence[Row], settled: Sequence[bool]) -> frozenset[str]:
    """Names that several rows have, one of them new, and nothing tells which of them is the port."""
    alike = {name: same for name, same in _alike(rows).items() if len(same) > 1}
    new = {row.name for row, sure in zip(rows, settled, strict=True) if not sure}
    return frozenset(name for name in new & alike.keys() if not name or not _the_port(alike[name]))


def _renamed(
    known: Sequence[Known], names: Collection[str], loose: Sequence[tuple[Row, str]]
) -> set[str]:
    """Ports that no row is, while there is a row that no look has: it may be one of them."""
    before = {port.name for port in known}
    strange = any(name not in before for _, name in loose)
    return before.difference(names) if strange else set()


def _exchanged(
    known: Sequence[Known], rows: Sequence[Row], loose: Sequence[tuple[Row, str]]
) -> set[str]:
    """Ports whose name is on a row that has the MAC address of another one: both are in doubt.

    An address that several have is none's: a bridge of Linux takes that of its lowest port.
    """
    shared = _several(port.mac for port in known) | _several(row.mac for row in rows)
    owners = {port.mac: port.name for port in known if port.mac and port.mac not in shared}
    before = {port.name: port for port in known}
    found = {
        (name, owners[row.mac])
        for row, name in loose
        if name in before and row.mac in owners and before[name].mac not in {None, row.mac}
    }
    return {name for pair in found for name in pair}


def _several(macs: Iterable[str | None]) -> frozenset[str | None]:
    return frozenset(mac for mac, times in Counter(macs).items() if times > 1)


def _own_name(port: Known) -> str:
    """What its device calls it, where its name carries its ifIndex."""
    return port.name.removesuffix(f"#{port.index}")


def _plain(rows: Sequence[Row]) -> Collection[Row]:
    """The rows that have their name for themselves."""
    found = (_the_port(same) for name, same in _alike(rows).items() if name)
    return {row for row in found if row is not None}


def _alike(rows: Sequence[Row]) -> Mapping[str, list[Row]]:
    alike: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        alike[row.name].append(row)
    return alike


def _the_port(same: Sequence[Row]) -> Row | None:
    """Which of several rows of a name is the port that they all are; None when they are several."""
    if len(same) == 1:
        return same[0]
    there = Counter(row.off for row in same)[False]
    if same[0].mac is None or len({row.mac for row in same}) > 1 or there > 1:
        return None
    return max(same, key=lambda row: (not row.off, row.index))


def _is_called(row: Row, known: Known | None) -> bool:
    """Is it this port by its ifIndex and its name? Where the row has none, by its MAC address."""
    if known is None:
        return False
    if not row.name:
        return None in {known.mac, row.mac} or known.mac == row.mac
    name, number = known.name, f"#{row.index}"
    while name != row.name and name.endswith(number):
        name = name.removesuffix(number)
    return name == row.name


def _numbered(row: Row, taken: Container[str]) -> str:
    number = f"#{row.index}"
    text = f"{row.name or 'port'}{number}"
    while text in taken:
        text += number
    return text
