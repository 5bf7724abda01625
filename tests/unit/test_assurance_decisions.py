"""What a poll of IF-MIB says, which fault explains it, and what that means for services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oss_agent.assurance import correlate, impact, port_table, reduce, traps
from oss_agent.spi import ledger, snmp
from oss_agent.spi.views import AlarmView, OperatingStatus, Severity

_T0 = datetime(2026, 1, 1, tzinfo=UTC)
_ACME = ledger.Affected("svc-1", "acme-hq", "default", "acme", OperatingStatus.RUNNING)


def _polled(rows: Sequence[tuple[snmp.Oid, dict[str, snmp.Value]]]) -> snmp.Columns:
    columns = {name: [cells.get(name) for _, cells in rows] for name in port_table.PLAN.columns}
    return snmp.Columns("pe1", _T0, 0.0, 4711, [index for index, _ in rows], columns)


def _evidence(
    oper: str = "down",
    admin: str = "up",
    services: tuple[ledger.Affected, ...] = (_ACME,),
    *,
    was_up: bool = True,
    alarmed: bool = False,
) -> correlate.PortEvidence:
    port = port_table.Port("eth4", 5, admin, oper)
    return correlate.PortEvidence("pe1", port, services, was_up, alarmed, _T0, 4711)


def _alarm(seen: correlate.PortEvidence, minutes: int = 0) -> AlarmView:
    fault = correlate.judge_port(seen).fault
    assert fault is not None
    change = reduce.report(None, fault, _T0 + timedelta(minutes=minutes), new_id=str(minutes))
    assert change is not None
    return change.alarm


def test_reads_ports_states_and_octets() -> None:
    row: dict[str, snmp.Value] = {
        "ifName": b"eth4",
        "ifAdminStatus": 1,
        "ifOperStatus": 7,
        "ifHCInOctets": 2**64 - 1,
        "ifHCOutOctets": 9,
        "ifCounterDiscontinuityTime": 3,
        "ifPhysAddress": bytes.fromhex("020000000004"),
    }
    polled = _polled([((5,), row)])

    assert port_table.ports(polled) == (
        port_table.Port("eth4", 5, "up", "lowerLayerDown", 2**64 - 1, 9, 3, "02:00:00:00:00:04"),
    )


_VALUES = st.one_of(
    st.none(), st.integers(-(2**70), 2**70), st.binary(max_size=80), st.just((1, 3, 6))
)
_CELLS = st.dictionaries(st.sampled_from(sorted(port_table.PLAN.columns)), _VALUES)
_INDEXES = st.lists(st.integers(0, 2**32 - 1), max_size=3).map(tuple)


@given(st.dictionaries(_INDEXES, _CELLS, max_size=6))
def test_whatever_a_device_says_becomes_bounded_printable_ports(
    table: dict[snmp.Oid, dict[str, snmp.Value]],
) -> None:
    for port in port_table.ports(_polled(list(table.items()))):
        assert port.name.isprintable()
        assert len(port.name) <= 64
        assert 0 < port.index < 2**31
        assert port.octets_in is None or 0 <= port.octets_in < 2**64


def test_a_service_port_that_is_down_names_service_and_customer() -> None:
    fault = correlate.judge_port(_evidence()).fault

    assert fault is not None
    assert (fault.severity, fault.service_affecting, fault.is_root_cause) == (
        Severity.CRITICAL,
        True,
        True,
    )
    assert fault.affected_services == ("svc-1",)
    assert "acme-hq of acme" in fault.text
    assert "sysUpTime 4711" in fault.evidence[0]


@pytest.mark.parametrize("oper", ["down", "lowerLayerDown", "notPresent"])
def test_every_way_to_be_down_is_down(oper: str) -> None:
    assert correlate.judge_port(_evidence(oper)).fault is not None


def test_a_service_port_switched_off_says_that_a_person_did_it() -> None:
    fault = correlate.judge_port(_evidence(admin="down")).fault

    assert fault is not None
    assert "switched off" in fault.text


def test_a_core_port_is_a_fault_of_the_resource_alone() -> None:
    fault = correlate.judge_port(_evidence(services=())).fault

    assert fault is not None
    assert (fault.service_affecting, fault.affected_services) == (False, ())
    assert fault.severity is Severity.MINOR


@pytest.mark.parametrize(
    "seen",
    [
        _evidence("up"),
        _evidence(services=(), was_up=False),
        _evidence(services=(), admin="down"),
        _evidence("dormant", services=()),
    ],
)
def test_what_nobody_waits_for_is_no_fault(seen: correlate.PortEvidence) -> None:
    assert correlate.judge_port(seen) == correlate.Verdict()


def test_an_alarm_of_a_core_port_stays_until_it_is_up() -> None:
    seen = _evidence(services=(), was_up=False, alarmed=True)

    assert correlate.judge_port(seen).fault is not None


def test_a_port_of_nobody_that_is_gone_leaves_no_ghost() -> None:
    seen = replace(_evidence(services=(), alarmed=True), port=correlate.missing("eth4"))

    assert correlate.judge_port(seen) == correlate.Verdict()
    assert correlate.judge_port(replace(seen, services=(_ACME,))).fault is not None


def test_unknown_is_an_honest_answer() -> None:
    assert not correlate.judge_port(_evidence("unknown")).known


def test_an_unreachable_device_takes_no_service_down() -> None:
    fault = correlate.unreachable("pe1", "no answer", [_ACME], _T0)

    assert (fault.service_affecting, fault.affected_services) == (False, ())
    assert "acme-hq of acme" in fault.text


def test_two_ports_down_fail_a_service_until_both_are_up() -> None:
    first, second = _alarm(_evidence(), 1), _alarm(_evidence(), 2)
    running, failed = OperatingStatus.RUNNING, OperatingStatus.FAILED

    assert impact.next_status(running, [second, first]) == (failed, first.text)
    assert impact.next_status(failed, [second]) is None
    assert impact.next_status(failed, []) == (running, None)


def test_a_dormant_port_degrades() -> None:
    alarm = _alarm(_evidence("dormant"))

    assert impact.status([alarm]) == (OperatingStatus.DEGRADED, alarm.text)
    assert impact.status([alarm, _alarm(_evidence(), 5)])[0] is OperatingStatus.FAILED


@pytest.mark.parametrize("status", [OperatingStatus.STOPPED, OperatingStatus.PENDING])
def test_what_fulfilment_set_is_not_lifted(status: OperatingStatus) -> None:
    assert impact.next_status(status, []) is None


def test_only_the_generic_traps_ask_for_a_poll_and_no_varbind_is_read() -> None:
    def trap(*oid: int) -> snmp.Trap:
        lie = (((1, 3, 6, 1, 2, 1, 2, 2, 1, 8, 5), 1),)
        return snmp.Trap("10.0.0.1", _T0, 0.0, b"public", 1, oid, lie)

    assert traps.notice(trap(1, 3, 6, 1, 6, 3, 1, 1, 5, 3)) is traps.Notice.LINK_DOWN
    assert traps.notice(trap(1, 3, 6, 1, 6, 3, 1, 1, 5, 5)) is None
