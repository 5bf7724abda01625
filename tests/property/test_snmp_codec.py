"""Our codec against pysnmp's, octet for octet, and against garbage."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyasn1.codec.ber import encoder
from pysnmp.proto import rfc1902, rfc1905
from pysnmp.proto.api import v2c

from drivers.snmp import ber, layout, message
from oss_agent.spi import snmp

_ARC = st.integers(0, 2**32 - 1)
_OIDS = st.one_of(
    st.tuples(st.just(1), st.integers(0, 39)), st.tuples(st.just(2), st.integers(0, 999))
).flatmap(lambda head: st.lists(_ARC, max_size=20).map(lambda rest: (*head, *rest)))
_IDS = st.integers(0, 2**31 - 1)
_COMMUNITIES = st.binary(max_size=40)
_UPTIME = (1, 3, 6, 1, 2, 1, 1, 3, 0)
_TRAP_OID = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)


def _typed(strategy: st.SearchStrategy[Any], made: Any) -> st.SearchStrategy[tuple[Any, Any]]:
    return strategy.map(lambda value: (value, made(value)))


_VALUES: st.SearchStrategy[tuple[snmp.Value, Any]] = st.one_of(
    _typed(st.integers(-(2**31), 2**31 - 1), rfc1902.Integer32),
    _typed(st.integers(0, 2**32 - 1), rfc1902.Counter32),
    _typed(st.integers(0, 2**32 - 1), rfc1902.Gauge32),
    _typed(st.integers(0, 2**32 - 1), rfc1902.TimeTicks),
    _typed(st.integers(0, 2**64 - 1), rfc1902.Counter64),
    _typed(st.binary(max_size=300), rfc1902.OctetString),
    _typed(st.binary(max_size=30), rfc1902.Opaque),
    _typed(_OIDS, rfc1902.ObjectName),
    st.binary(min_size=4, max_size=4).map(lambda octets: (octets, rfc1902.IpAddress(octets))),
    st.sampled_from(
        [
            (None, rfc1905.noSuchObject),
            (None, rfc1905.noSuchInstance),
            (None, rfc1905.endOfMibView),
            (None, v2c.Null("")),
        ]
    ),
)
_BINDS = st.lists(st.tuples(_OIDS, _VALUES), max_size=12)


def _pysnmp_message(community: bytes, pdu: Any, binds: list[tuple[snmp.Oid, Any]]) -> bytes:
    v2c.apiPDU.set_varbinds(pdu, binds)
    outside = v2c.Message()
    v2c.apiMessage.set_defaults(outside)
    v2c.apiMessage.set_community(outside, community)
    v2c.apiMessage.set_pdu(outside, pdu)
    return bytes(encoder.encode(outside))


def response(
    community: bytes, request_id: int, binds: list[tuple[snmp.Oid, Any]], status: int = 0
) -> bytes:
    pdu = v2c.ResponsePDU()
    v2c.apiPDU.set_defaults(pdu)
    v2c.apiPDU.set_request_id(pdu, request_id)
    v2c.apiPDU.set_error_status(pdu, status)
    return _pysnmp_message(community, pdu, binds)


def _trap(community: bytes, binds: list[tuple[snmp.Oid, Any]]) -> bytes:
    pdu = v2c.SNMPv2TrapPDU()
    v2c.apiPDU.set_defaults(pdu)
    return _pysnmp_message(community, pdu, binds)


@given(_COMMUNITIES, _IDS, st.lists(_OIDS, max_size=15))
def test_get_is_octet_for_octet_pysnmp(
    community: bytes, request_id: int, oids: list[snmp.Oid]
) -> None:
    pdu = v2c.GetRequestPDU()
    v2c.apiPDU.set_defaults(pdu)
    v2c.apiPDU.set_request_id(pdu, request_id)
    theirs = _pysnmp_message(community, pdu, [(oid, v2c.Null("")) for oid in oids])

    assert message.get(community, request_id, list(map(ber.of_oid, oids))) == theirs


@given(
    _COMMUNITIES,
    _IDS,
    st.lists(_OIDS, max_size=5),
    st.lists(_OIDS, max_size=10),
    st.integers(0, 2**31 - 1),
)
@example(b"public", 1, [], [(1, 3)], 200)  # above 127 an INTEGER takes two octets
def test_get_bulk_is_octet_for_octet_pysnmp(
    community: bytes,
    request_id: int,
    once: list[snmp.Oid],
    columns: list[snmp.Oid],
    repetitions: int,
) -> None:
    pdu = v2c.GetBulkRequestPDU()
    v2c.apiBulkPDU.set_defaults(pdu)
    v2c.apiBulkPDU.set_request_id(pdu, request_id)
    v2c.apiBulkPDU.set_non_repeaters(pdu, len(once))
    v2c.apiBulkPDU.set_max_repetitions(pdu, repetitions)
    theirs = _pysnmp_message(community, pdu, [(oid, v2c.Null("")) for oid in (*once, *columns)])

    ours = message.get_bulk(
        community,
        request_id,
        once=list(map(ber.of_oid, once)),
        columns=list(map(ber.of_oid, columns)),
        repetitions=repetitions,
    )

    assert ours == theirs


@given(_COMMUNITIES, _IDS, _BINDS, st.integers(0, 18))
def test_reads_every_reply_pysnmp_can_write(
    community: bytes, request_id: int, binds: list[tuple[snmp.Oid, Any]], status: int
) -> None:
    data = response(community, request_id, [(oid, theirs) for oid, (_, theirs) in binds], status)

    seen = message.scan(data)
    read = message.reply(data, seen)

    assert (seen.outside.community, seen.outside.request_id) == (community, request_id)
    assert read.error_status == status
    assert [ber.oid(oid) for oid in read.oids] == [oid for oid, _ in binds]
    assert list(read.values) == [plain for _, (plain, _) in binds]
    assert read.odd == 0


@given(_COMMUNITIES, st.integers(0, 2**32 - 1), _OIDS, _BINDS)
def test_reads_every_trap_pysnmp_can_write(
    community: bytes, uptime: int, oid: snmp.Oid, binds: list[tuple[snmp.Oid, Any]]
) -> None:
    head = [(_UPTIME, rfc1902.TimeTicks(uptime)), (_TRAP_OID, rfc1902.ObjectName(oid))]
    data = _trap(community, [*head, *((name, theirs) for name, (_, theirs) in binds)])

    told = message.notification(data)

    assert (told.community, told.uptime, told.oid) == (community, uptime, oid)
    assert told.varbinds == tuple((name, plain) for name, (plain, _) in binds)


def _learned(data: bytes) -> layout.Layout | None:
    seen = message.scan(data)
    return layout.learn(data, seen, message.reply(data, seen))


_IF_VALUES = st.tuples(
    st.binary(max_size=6).map(rfc1902.OctetString),
    st.integers(-3, 3).map(rfc1902.Integer32),
    st.integers(0, 2**20).map(rfc1902.Counter32),
    st.one_of(st.integers(0, 2**20), st.integers(2**63, 2**64 - 1)).map(rfc1902.Counter64),
    st.sampled_from([rfc1905.noSuchInstance, rfc1902.TimeTicks(0), rfc1902.TimeTicks(2**32 - 1)]),
)


@given(
    st.lists(_IF_VALUES, min_size=2, max_size=2), st.integers(0, 1), st.integers(2**24, 2**31 - 1)
)
def test_a_layout_reads_what_the_full_decoder_reads(
    polls: list[tuple[Any, ...]], other_row: int, request_id: int
) -> None:
    first, second = (
        response(b"c", number, [((1, 3, i, row), v) for i, v in enumerate(values)])
        for values, row, number in ((polls[0], 0, 2**24), (polls[1], other_row, request_id))
    )
    known = _learned(first)
    assert known is not None

    by_layout = known.read(second)

    full = message.reply(second, message.scan(second))
    assert by_layout is None or (by_layout.oids, list(by_layout.values)) == (
        full.oids,
        list(full.values),
    )
    assert known.read(first) == message.reply(first, message.scan(first))


def test_a_layout_holds_while_only_values_move() -> None:
    def reply(counter: int, request_id: int) -> bytes:
        return response(b"c", request_id, [((1, 3, 7), rfc1902.Counter64(counter))])

    known = _learned(reply(1_000, 2**24))
    assert known is not None

    moved = known.read(reply(1_001, 2**30))
    assert moved is not None
    assert list(moved.values) == [1_001]
    assert known.read(reply(1_000_000, 2**24)) is None


def _mutated(data: bytes, changes: list[tuple[int, int]], cut: int) -> bytes:
    octets = bytearray(data)
    for at, octet in changes:
        octets[at % len(octets)] = octet
    return bytes(octets[: len(octets) - cut % len(octets)])


_CHANGES = st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=4)


@given(_BINDS, _CHANGES, st.one_of(st.just(0), st.integers(0, 200)))
def test_a_damaged_reply_is_malformed_or_read_and_nothing_else(
    binds: list[tuple[snmp.Oid, Any]], changes: list[tuple[int, int]], cut: int
) -> None:
    whole = response(b"public", 2**24, [(oid, theirs) for oid, (_, theirs) in binds])
    known = _learned(whole)
    data = _mutated(whole, changes, cut)
    try:
        full = message.reply(data, message.scan(data))
    except ber.Malformed:
        full = None

    by_layout = known.read(data) if known else None

    if by_layout is not None:
        assert full is not None
        assert (by_layout.oids, list(by_layout.values)) == (full.oids, list(full.values))


@given(st.binary(max_size=400), _BINDS, _CHANGES)
def test_garbage_is_malformed_and_nothing_else(
    garbage: bytes, binds: list[tuple[snmp.Oid, Any]], changes: list[tuple[int, int]]
) -> None:
    head = [(_UPTIME, rfc1902.TimeTicks(1)), (_TRAP_OID, rfc1902.ObjectName((1, 3)))]
    trap = _trap(b"public", [*head, *((oid, theirs) for oid, (_, theirs) in binds)])
    for data in (garbage, b"\x30\x82\x01\x00" + garbage, _mutated(trap, changes, 0)):
        for read in (message.notification, message.scan, message.envelope):
            try:
                read(data)
            except ber.Malformed as wrong:
                assert wrong.reason  # noqa: PT017  the point is that no other exception comes out


@pytest.mark.parametrize(
    ("tag", "content", "expected"),
    [
        (ber.COUNTER64, b"\x00" + b"\xff" * 8, 2**64 - 1),
        (ber.COUNTER64, b"\xff" * 8, 2**64 - 1),
        (ber.GAUGE32, b"\xff\xff\xff\xff", 2**32 - 1),
        (ber.GAUGE32, b"\xff", 255),
        (ber.COUNTER32, b"\x00\xff\xff\xff\xff", 2**32 - 1),
        (ber.INTEGER, b"\xff", -1),
        (ber.INTEGER, b"\x00\x00\x00\x01", 1),
        (ber.INTEGER, b"\xff\x80\x00\x00\x00", -(2**31)),  # as pyasn1 writes it
    ],
)
def test_reads_numbers_as_net_snmp_reads_them(tag: int, content: bytes, expected: int) -> None:
    assert ber.value(content, tag, 0, len(content)) == expected


@pytest.mark.parametrize(
    ("tag", "content"),
    [
        (ber.COUNTER64, b"\x01" + b"\xff" * 8),
        (ber.COUNTER64, b""),
        (ber.COUNTER32, b"\x01\x00\x00\x00\x00"),
        (ber.INTEGER, b"\x01\x00\x00\x00\x00"),
        (ber.INTEGER, b""),
        (ber.IP_ADDRESS, b"\x7f\x00\x00"),
        (ber.OBJECT_IDENTIFIER, b""),
        (ber.OBJECT_IDENTIFIER, b"\x2b\x80\x01"),
        (ber.OBJECT_IDENTIFIER, b"\x2b\x90\x80\x80\x80\x00"),
        (ber.OBJECT_IDENTIFIER, b"\x2b\x86"),
        (ber.OBJECT_IDENTIFIER, b"\x2b" * 128),
        (0x47, b"\x00"),
    ],
)
def test_a_value_outside_its_type_costs_that_cell_only(tag: int, content: bytes) -> None:
    with pytest.raises(ber.Malformed):
        ber.value(content, tag, 0, len(content))

    found, odd = message.values(content, [message.Cell(tag, 0, len(content))])
    assert (found, odd) == ([None], 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (b"\x30", "truncated"),
        (b"\x30\x80\x00\x00", "length"),
        (b"\x30\x05\x02\x01\x01", "length"),
        (b"\x30\x85\x00\x00\x00\x00\x03\x02\x01\x01", "length"),
        (b"\x30\x84\xff\xff", "truncated"),
        (b"\x02\x01\x01", "tag"),
        (b"\x30\x03\x02\x01\x00", "version"),
        (b"\x30\x03\x02\x01\x03", "version"),
    ],
)
def test_names_what_is_wrong_with_the_outside(data: bytes, reason: str) -> None:
    with pytest.raises(ber.Malformed) as caught:
        message.envelope(data)

    assert caught.value.reason == reason
