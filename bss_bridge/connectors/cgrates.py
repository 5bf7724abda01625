"""CGRateS: each meter of a usage record as one external CDR, over JSON-RPC or in a CSV file.

OriginID with OriginHost is the key: CGRateS answers EXISTS to a repeat, which here counts as done. Its
answers are all 200; what became of a call stands in the body's ``error``. A CSV file is named after
its record, so that the same again is the same file.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bss_bridge.connectors import record, talk
from bss_bridge.engine import rendering
from oss_agent.spi.events import Attempt, Delivery

HOST: Final = "oss-agent"
FIELDS: Final = (
    *("ToR", "OriginID", "OriginHost", "RequestType", "Tenant", "Category", "Account"),
    *("Subject", "Destination", "SetupTime", "AnswerTime", "Usage"),
)
"""Columns of a CSV file, in order; ``EXTRA`` follow."""
EXTRA: Final = ("MeterPoint", "ServiceName", "Customer", "PeriodEnd", "Revision")
_KNOWN: Final = "EXISTS"
_AGAIN: Final = ("SERVER_ERROR", "DISCONNECTED", "NOT_CONNECTED", "UNAVAILABLE", "TIMEOUT")
_DISABLED: Final[Mapping[record.Change, bool]] = {
    record.Change.STARTED: False,
    record.Change.SUSPENDED: True,
    record.Change.RESUMED: False,
    record.Change.TERMINATED: True,
}


@dataclass(frozen=True, slots=True)
class CdrForm:
    """How a record becomes CDRs: CGRateS' tenant, and what is asked for."""

    asked: talk.Asked
    realm: str

    def cdrs(self, fact: record.Usage) -> list[dict[str, Any]]:
        """The ExternalCDRs of a record. ``Usage`` is octets: CGRateS counts *data in whole units."""
        view = fact.view
        account = self.asked.subscription(fact)
        extra = (
            *(view.meter_point, view.service_name, view.customer),
            *(rendering.stamp(view.period_end) or "", str(view.revision)),
        )
        return [
            {
                "ToR": "*data",
                "OriginID": f"{fact.key}/{meter}",
                "OriginHost": HOST,
                "RequestType": "*postpaid",
                "Tenant": self.realm,
                "Category": "data",
                "Account": account,
                "Subject": account,
                "Destination": meter.value,
                "SetupTime": rendering.stamp(view.period_start),
                "AnswerTime": rendering.stamp(view.period_start),
                "Usage": str(octets),
                "ExtraFields": dict(zip(EXTRA, extra, strict=True)),
            }
            for meter, octets in self.asked.amounts(fact)
        ]


@dataclass(frozen=True, slots=True)
class CgratesRpc:
    """``url`` is the JSON-RPC endpoint, ``http://cgrates:2080/jsonrpc``."""

    url: str
    form: CdrForm
    token: str | None = field(default=None, repr=False)

    def wants(self, fact: record.Fact) -> bool:
        """Usage that is known, and changes that switch an account on or off."""
        asked = self.form.asked
        if isinstance(fact, record.Usage):
            return bool(asked.amounts(fact))
        return (
            isinstance(fact, record.Status)
            and fact.change in _DISABLED
            and fact.change in asked.changes
        )

    def tell(self, fact: record.Fact) -> talk.Talk:
        """CDRsV1.ProcessExternalCDR for each meter; APIerSv1.SetAccount for a change."""
        if isinstance(fact, record.Day):
            return talk.refused("CGRateS adds usage up by itself")
        if isinstance(fact, record.Usage):
            return self._told([("CDRsV1.ProcessExternalCDR", one) for one in self.form.cdrs(fact)])
        account = {
            "Tenant": self.form.realm,
            "Account": self.form.asked.subscription(fact),
            "ExtraOptions": {"Disabled": _DISABLED[fact.change]},
        }
        return self._told([("APIerSv1.SetAccount", account)])

    def _told(self, methods: list[tuple[str, Mapping[str, Any]]]) -> talk.Talk:
        """One call after another: those before the one that fails are EXISTS the next time."""
        last = Attempt(Delivery.DONE, "nothing to tell")
        for number, (method, parameters) in enumerate(methods, 1):
            body = {"id": number, "method": method, "params": [parameters]}
            last = judged((yield talk.Call("POST", self.url, body, talk.bearer(self.token))))
            if last.delivery is not Delivery.DONE:
                return last
        return last


@dataclass(frozen=True, slots=True)
class CgratesCsv:
    """A directory that CGRateS' event reader (ERs) watches."""

    directory: str
    form: CdrForm

    def wants(self, fact: record.Fact) -> bool:
        """Usage that is known; a file has no form for accounts."""
        return isinstance(fact, record.Usage) and bool(self.form.asked.amounts(fact))

    def tell(self, fact: record.Fact) -> talk.Talk:
        """One file a record, a line a meter, no header line."""
        if not isinstance(fact, record.Usage):
            return talk.refused("only usage goes into CDR files")
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        for one in self.form.cdrs(fact):
            cells = [*(one[name] for name in FIELDS), *(one["ExtraFields"][name] for name in EXTRA)]
            writer.writerow([_cell(str(cell)) for cell in cells])
        name = hashlib.sha256(fact.key.encode()).hexdigest()[:32]
        return talk.one(talk.File(self.directory, f"{name}.csv", out.getvalue().encode()))


def _cell(text: str) -> str:
    """One line whatever it holds, and no formula for whoever opens the file in a spreadsheet."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line


def judged(answer: talk.Answer) -> Attempt:
    """What a JSON-RPC answer means: the status first, then the body's error."""
    outcome = answer.outcome()
    if outcome.delivery is not Delivery.DONE:
        return outcome
    found = answer.json()
    if not isinstance(found, dict) or "error" not in found:
        return Attempt(Delivery.RETRY, "the answer is no JSON-RPC response")
    said = found["error"]
    if said is None:
        return outcome
    reason = talk.printable(str(said))
    if reason.startswith(_KNOWN):
        return Attempt(Delivery.DONE, f"{reason}: CGRateS has it already")
    again = reason.startswith(_AGAIN)
    return Attempt(Delivery.RETRY if again else Delivery.PARKED, reason)
