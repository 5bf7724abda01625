"""Framing: any cut of the stream gives the same messages; what breaks the rules is refused."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.netconf import framing

LIMIT = 4096
MESSAGES = st.lists(
    st.binary(min_size=1, max_size=300).filter(
        # A message before the mark must not make a mark of its own.
        lambda m: framing.END_OF_MESSAGE not in m + framing.END_OF_MESSAGE[:-1]
    ),
    max_size=5,
)


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    marks = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [stream[a:b] for a, b in itertools.pairwise(marks)]


def decode(decoder: framing.Decoder, stream: list[bytes]) -> list[bytes]:
    found: list[bytes] = []
    for piece in stream:
        decoder.feed(piece)
        while (message := decoder.take()) is not None:
            found.append(message)
    return found


@given(MESSAGES, st.lists(st.integers(0, 5000)))
def test_end_of_message_survives_any_cut(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(framing.end_of_message(m) for m in messages)

    found = decode(framing.EndOfMessageDecoder(LIMIT), pieces(stream, cuts))

    assert found == messages


@given(st.lists(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=6)), st.data())
def test_chunks_survive_any_cut_of_stream_and_message(
    messages: list[list[bytes]], data: st.DataObject
) -> None:
    stream = b"".join(
        b"".join(b"\n#%d\n%b" % (len(chunk), chunk) for chunk in chunks) + b"\n##\n"
        for chunks in messages
    )
    cuts = data.draw(st.lists(st.integers(0, 5000)))

    found = decode(framing.ChunkedDecoder(LIMIT), pieces(stream, cuts))

    assert found == [b"".join(chunks) for chunks in messages]


@given(st.binary(min_size=1, max_size=500))
def test_what_we_send_is_what_arrives(message: bytes) -> None:
    assert decode(framing.ChunkedDecoder(LIMIT), [framing.chunked(message)]) == [message]


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_noise_is_refused_or_awaited_never_crashes(noise: list[bytes]) -> None:
    for decoder in (framing.ChunkedDecoder(LIMIT), framing.EndOfMessageDecoder(LIMIT)):
        try:
            decode(decoder, noise)
        except framing.FramingError:
            continue


@pytest.mark.parametrize(
    "stream",
    [
        b"<hello/>",
        b"\n#0\n",
        b"\n#05\nhello",
        b"\n#-1\n",
        b"\n#x\n",
        b"\n# 4\nabcd",
        b"\n#4294967296\n",
        b"\n#99999999999",
        b"\n##\n",
        b"\n#4\nabcdX",
        b"\n#4\nabcd\n#\n",
        b"\r\n#4\n",
    ],
)
def test_broken_chunk_headers_are_refused(stream: bytes) -> None:
    with pytest.raises(framing.FramingError):
        decode(framing.ChunkedDecoder(LIMIT), [stream])


def test_a_lying_length_is_refused_before_its_bytes_come() -> None:
    decoder = framing.ChunkedDecoder(LIMIT)
    decoder.feed(b"\n#4000000000\n")

    with pytest.raises(framing.FramingError, match="larger than 4096"):
        decoder.take()


def test_many_small_chunks_count_together() -> None:
    decoder = framing.ChunkedDecoder(10)
    decoder.feed(b"\n#6\nabcdef\n#5\n")

    with pytest.raises(framing.FramingError, match="larger than 10"):
        decoder.take()


@pytest.mark.parametrize("tail", [b"", framing.END_OF_MESSAGE])
def test_a_message_over_the_limit_is_refused_with_or_without_its_end(tail: bytes) -> None:
    decoder = framing.EndOfMessageDecoder(10)
    decoder.feed(b"x" * 40 + tail)

    with pytest.raises(framing.FramingError, match="larger than 10"):
        decoder.take()


def test_a_message_of_exactly_the_limit_passes() -> None:
    decoder = framing.EndOfMessageDecoder(10)

    assert decode(decoder, [b"x" * 10, *(bytes([b]) for b in framing.END_OF_MESSAGE)]) == [
        b"x" * 10
    ]


def test_what_follows_the_hello_is_kept_for_the_next_framing() -> None:
    greeting = framing.EndOfMessageDecoder(LIMIT)
    greeting.feed(b"<hello/>]]>]]>\n#3\nabc\n##\n")

    assert greeting.take() == b"<hello/>"
    assert decode(framing.ChunkedDecoder(LIMIT), [greeting.rest()]) == [b"abc"]
