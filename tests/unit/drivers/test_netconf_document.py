"""XML from a device is hostile until parsed."""

from __future__ import annotations

import pytest

from drivers.netconf import document

LAUGHS = b"""<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;</a>"""


@pytest.mark.parametrize(
    "hostile",
    [
        LAUGHS,
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;]><a/>',
        b"<!DOCTYPE a><a/>",
        "<!DOCTYPE a><a/>".encode("utf-16"),
        b"<a>" * 300 + b"</a>" * 300,
        b"<a>" + b"x" * 10_000_001 + b"</a>",
        b"<a>\x00</a>",
        b"<a>\x1b[2J</a>",
        b"<a><b></a></b>",
        b"<a/><b/>",
        b"\xff\xfe",
    ],
    ids=lambda h: h[:24].decode(errors="replace"),
)
def test_hostile_documents_are_refused(hostile: bytes) -> None:
    with pytest.raises(document.Unreadable):
        document.parse(hostile)


def test_comments_and_instructions_vanish() -> None:
    root = document.parse(b"  \n<?xml version='1.0'?><a><!-- x --><?y z?><b>1</b></a>")

    assert [document.local(e) for e in root] == ["b"]


def test_text_is_escaped_not_pasted() -> None:
    sent = document.serialise(document.base("name", text="</name><delete-config/>]]>]]>"))

    assert b"<delete-config/>" not in sent
    assert b"]]>]]>" not in sent
    assert document.content(document.parse(sent)) == "</name><delete-config/>]]>]]>"
