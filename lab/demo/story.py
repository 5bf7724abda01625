"""The story, chapter by chapter. Each line says what the daemon, the network or billing really answered."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from lab.demo import orders
from lab.demo.daemon import Billing, submit
from lab.demo.narrator import Narrator
from lab.demo.networks import Network
from lab.errors import LabError
from oss_agent.testing.daemon import Daemon

_FINAL = {"completed", "failed", "rejected", "cancelled", "partial"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Story:
    """Everything a chapter needs."""

    tell: Narrator
    network: Network
    daemon: Daemon
    billing: Billing

    def play(self) -> None:
        """Tell it from the beginning to the end; LabError where the truth is not what it should be."""
        self.onboard()
        self.tell.gap()
        service = self.order()
        self.tell.gap()
        self.watch(service)
        self.tell.gap()
        self.refuse()
        self.tell.gap()
        self.beside(service)

    def onboard(self) -> None:
        """Import, trust, discover; wait until the routers know each other."""
        files = {f.name: f.read_text(encoding="utf-8") for f in self.network.labdir.glob("*.*")}
        files |= {f.name: f.read_text() for f in self.network.labdir.glob("known_hosts")}
        with self.tell.timed("import") as text:
            report = self.daemon.post("/api/v1/import", {"files": files})
            text.append(f"{len(report['devices'])} devices from the lab's inventory")
            devices = self.daemon.get("/api/v1/devices")
            text.append(f"host keys pinned for {sum(1 for d in devices if d['trusted'])}")
        with self.tell.timed("discover") as text:
            found, links = self.until(self._discovered, "every router and its neighbours", 60)
            text.append(f"{sum(f['interfaces'] for f in found)} interfaces")
            text.append(f"{len(links)} core links (LLDP, both ends agree)")

    def _discovered(self) -> tuple[Any, Any] | None:
        found = self.daemon.post("/api/v1/discover", {"device": None})
        links = [
            x for x in self.daemon.get("/api/v1/topology") if "both ends agree" in x["evidence"]
        ]
        complete = len(links) == 7 and not any(f["reason"] for f in found)  # noqa: PLR2004  (telco5)
        return (found, links) if complete else None

    def order(self) -> Any:
        """Plan it, send it, see it held, proven, decided and done; returns the service."""
        eline = orders.GOOD
        what = f'E-Line "{eline.name}"  {eline.a_end} <-> {eline.z_end}  {eline.bandwidth} Mbit/s'
        self.tell.line("order", f"POST serviceOrder  {what}")
        self._plan(eline.body())
        began = time.monotonic()
        view = self._send(eline, began)
        item = view["items"][0]
        if view["state"] != "completed":
            raise LabError(f"order {view['id']} ended {view['state']}: {view.get('error')}")
        self._evidence(item)
        self._decided(view["id"])
        proven = sum(1 for verdict in item["evidence"] if verdict["outcome"] == "proven")
        self.tell.line(
            "done",
            f"order {view['id']} completed · {proven} of {len(item['evidence'])} checks proven · "
            f"service {item['service_name']} active",
            time.monotonic() - began,
        )
        told = self.until(lambda: self._billed("Service", item["service_id"]), "billing told", 15)
        self.tell.line("told", f"billing got {len(told)} message(s) about {item['service_name']}")
        return item

    def _plan(self, body: Mapping[str, Any]) -> None:
        for one in self.daemon.post("/api/v1/plan", body):
            for device in one["devices"]:
                self.tell.line("plan", f"{device['device']}   {device['reversibility']}")
                for sign, native in (("+", device["diff"]), ("-", device["reverse"])):
                    for line in inside(native):
                        self.tell.more(f"{sign} {line}")
            claims = ", ".join(f"{pool} {value} ({note})" for pool, value, note in one["claims"])
            touches = ", ".join(one["touches"]) or "no other service"
            self.tell.more(f"touches  {touches}   claims {claims}, ports {', '.join(one['ports'])}")
            self.tell.more(
                f"reverse  known, {len(one['devices'])} devices   hash {one['hash'][:12]}"
            )

    def _send(self, sent: orders.Order, began: float) -> Any:
        """Send by the BSS process and follow the journal until the order is final."""
        answer = submit(self.daemon, sent.body(), key=f"demo-{sent.name}")
        if answer["status"] != 201:  # noqa: PLR2004  (HTTP Created)
            raise LabError(f"the order was not accepted: {answer['status']} {answer['body']}")
        key = answer["body"]["id"]
        self.tell.line("bss", f"201, order {key} {answer['body']['state']}")
        seen: dict[str, str] = {}
        while True:
            view = self.daemon.get(f"/api/v1/orders/{key}")
            self._steps(key, seen, began)
            if view["state"] in _FINAL:
                return view
            time.sleep(0.05)

    def _steps(self, key: str, seen: dict[str, str], began: float) -> None:
        answer = self.daemon.get(f"/api/v1/orders/{key}/explain")
        states: dict[str, str] = {}
        for one in answer["participants"]:  # a device has one for each of its configurations
            device, state = one["device"], one["state"]
            if state not in (said := states.get(device, "")).split(" + "):
                states[device] = f"{said} + {state}" if said else state
        if states and states != seen:
            words = "   ".join(f"{device} {state}" for device, state in sorted(states.items()))
            self.tell.line("commit", words, time.monotonic() - began)
            seen.clear()
            seen.update(states)

    def _evidence(self, item: Mapping[str, Any]) -> None:
        for one in item["evidence"]:
            self.tell.line(
                "prove", f"{one['kind']} {one['device']}: {one['outcome']} · {one['reason']}"
            )

    def _decided(self, order: str) -> None:
        """Why it was kept, in the journal's own words: its own checks and those of its neighbours."""
        history = self.daemon.get(f"/api/v1/orders/{order}/explain")["history"]
        self.tell.line("decide", next(text for _at, text in history if "decision" in text))

    def watch(self, item: Mapping[str, Any]) -> None:
        """Break the customer's cable, see who is told; heal, see it clear; see usage billed."""
        device, _, port = orders.GOOD.a_end.partition(":")
        self._usage(item)
        self.tell.line("break", f"pulling the cable {device}:{port} ...")
        began = time.monotonic()
        self.network.cable(device, port, plugged=False)
        try:
            self._broken(item, f"{device}:{port}", began)
        finally:
            self.network.cable(device, port, plugged=True)
        self._healed(item, f"{device}:{port}", time.monotonic())

    def _usage(self, item: Mapping[str, Any]) -> None:
        where = orders.GOOD.a_end  # right after its poll the next is far: the trap will be first
        # what passes before the meter's first reading is nobody's usage
        self.until(lambda: self._metered(item["service_id"], where), "the meter to run", 40)
        sent = self.network.traffic()

        def billed() -> list[dict[str, Any]] | None:
            records = self._metered(item["service_id"], where)
            return records if sum(map(octets_in, records)) >= sent else None

        records = self.until(billed, f"{sent} octets billed", 60)
        self.tell.line("usage", f"billing got {len(records)} record(s), {usage_words(records[-1])}")

    def _broken(self, item: Mapping[str, Any], where: str, began: float) -> None:
        alarm = self.until(lambda: self._alarm(where, "raised"), f"an alarm on {where}", 20)
        words = f"{alarm['severity']}  {alarm['text']}"
        self.tell.line("alarm", words, time.monotonic() - began)
        self.tell.more(f"seen by  {' · '.join(alarm['evidence'])}")
        down = self.until(lambda: self._status(item, {"failed", "degraded"}), "the impact", 10)
        self.until(lambda: self._told(item, down["operating_status"]), "billing told", 15)
        self.tell.line(
            "impact",
            f"service {down['name']} {down['operating_status']} · customer {down['customer']} · "
            "billing told",
            time.monotonic() - began,
        )

    def _healed(self, item: Mapping[str, Any], where: str, began: float) -> None:
        self.until(lambda: self._alarm(where, "cleared"), "the alarm to clear", 30)
        self.until(lambda: self._status(item, {"running"}), "the service to run again", 10)
        self.tell.line(
            "heal",
            "cable back: alarm cleared, service running, billing told",
            time.monotonic() - began,
        )

    def refuse(self) -> None:
        """Send an order whose second router refuses; show that both are as before."""
        eline = orders.REFUSED
        ends = [end.partition(":")[0] for end in (eline.a_end, eline.z_end)]
        before = {device: self.network.witness(device) for device in ends}
        self.tell.line("refuse", f'second order "{eline.name}", {ends[1]} will refuse ...')
        began = time.monotonic()
        view = self._send(eline, began)
        if view["state"] != "failed":
            raise LabError(f"order {view['id']} ended {view['state']}, but {ends[1]} should refuse")
        self.tell.line("failed", str(view["error"]["message"]), time.monotonic() - began)
        self._evidence(view["items"][0])
        after = {device: self.network.witness(device) for device in ends}
        if after != before:
            raise LabError(f"not as before: {before} became {after}")
        same = " · ".join(f"{device} {digest}" for device, digest in after.items())
        self.tell.line("before", f"byte for byte as before, seen from outside: {same}")

    def beside(self, standing: Mapping[str, Any]) -> None:
        """Order a VPN over the routers the E-Line runs on; the E-Line is judged with it."""
        vpn = orders.BESIDE
        ports = ", ".join(port for port, _ in vpn.sites)
        self.tell.line("order", f'third order, L3VPN "{vpn.name}"  {ports}')
        self._plan_in_short(vpn.body())
        began = time.monotonic()
        view = self._send(vpn, began)
        if view["state"] != "completed":
            raise LabError(f"order {view['id']} ended {view['state']}: {view.get('error')}")
        self._decided(view["id"])
        evidence = view["items"][0]["evidence"]
        proven = sum(1 for verdict in evidence if verdict["outcome"] == "proven")
        unharmed = self.until(lambda: self._status(standing, {"running"}), "the E-Line to run", 10)
        self.tell.line(
            "done",
            f"order {view['id']} completed · {proven} of {len(evidence)} checks proven · "
            f"{unharmed['name']} {unharmed['operating_status']}",
            time.monotonic() - began,
        )

    def _plan_in_short(self, body: Mapping[str, Any]) -> None:
        for one in self.daemon.post("/api/v1/plan", body):
            for device in one["devices"]:
                where, lines = f"{device['device']} {device['store']}", device["diff"].count("\n")
                self.tell.line("plan", f"{where}   {lines} lines, {device['reversibility']}")
            near = sorted({other["service_name"] for other in one["neighbours"]})
            self.tell.more(f"neighbours judged too  {', '.join(near)}   hash {one['hash'][:12]}")

    def _metered(self, service: str, where: str) -> list[dict[str, Any]]:
        return [r for r in self._billed("Usage", service) if f"'{where}'" in repr(r["body"])]

    def _told(self, item: Mapping[str, Any], status: str) -> bool:
        last = self._billed("Service", item["service_id"])[-1]
        return f"'{status}'" in repr(last["body"])

    def _billed(self, kind: str, service: str) -> list[dict[str, Any]]:
        return [r for r in self.billing.received() if concerns(r["body"], kind, service)]

    def _alarm(self, where: str, state: str) -> Any:
        alarms = self.daemon.get("/api/v1/alarms")
        match = [a for a in alarms if a["alarmed_object"] == where]
        if state == "cleared":
            return next((a for a in match if a["state"] == "cleared"), None)
        return next((a for a in match if a["state"] != "cleared"), None)

    def _status(self, item: Mapping[str, Any], wanted: set[str]) -> Any:
        service = self.daemon.get(f"/api/v1/services/{item['service_id']}")
        return service if service["operating_status"] in wanted else None

    def until(self, look: Callable[[], T | None], what: str, within: float) -> T:
        """Look until there is something to see; LabError says what did not come."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            seen = look()
            if seen:
                return seen
            time.sleep(0.05)
        raise LabError(f"waited {within:.0f} s for {what}, and it did not come")


def inside(native: str) -> list[str]:
    """Native configuration without the envelope that is the same around every edit-config."""
    return textwrap.dedent("\n".join(native.strip().splitlines()[1:-1])).splitlines()


def concerns(body: Mapping[str, Any], kind: str, service: str) -> bool:
    """Is this message to billing a usage record of the service, or an event about it?"""
    usage = "usageCharacteristic" in body
    return usage is (kind == "Usage") and service in repr(body)


def characteristics(row: Mapping[str, Any]) -> dict[str, Any]:
    """A usage record's characteristics by name."""
    pairs: Sequence[Mapping[str, Any]] = row["body"]["usageCharacteristic"]
    return {pair["name"]: pair["value"] for pair in pairs}


def octets_in(row: Mapping[str, Any]) -> int:
    """What the customer sent in; a record of an unknown interval counts nothing."""
    return int(characteristics(row).get("octetsIn") or 0)


def usage_words(row: Mapping[str, Any]) -> str:
    """A usage record in a few words."""
    shown = characteristics(row)
    return (
        f"the last of {shown['meterPoint']}: in {shown.get('octetsIn')} out {shown.get('octetsOut')} octets, "
        f"{shown['periodStart']} to {shown['periodEnd']}"
    )
