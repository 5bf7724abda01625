"""TMF642 Alarm Management v4: an alarm view becomes a body."""

from __future__ import annotations

from typing import Any, Final

from bss_bridge.engine import rendering as r
from bss_bridge.engine.hrefs import Hrefs
from oss_agent.spi import views

SOURCE: Final = "oss-agent"


def render(view: views.AlarmView, hrefs: Hrefs) -> dict[str, Any]:
    """An alarm; evidence and count are extensions, so that a person need not ask elsewhere."""
    own = {
        "id": view.id,
        "href": hrefs.alarm(view.id),
        "state": view.state,
        "alarmType": view.alarm_type,
        "perceivedSeverity": view.severity.value,
        "probableCause": view.probable_cause,
        "specificProblem": view.specific_problem,
        "alarmedObject": {"id": view.alarmed_object, "@type": "AlarmedObject"},
        "alarmedObjectType": view.alarmed_object_type,
        "sourceSystemId": SOURCE,
        "alarmRaisedTime": r.stamp(view.raised_at),
        "alarmReportingTime": r.stamp(view.raised_at),
        "alarmChangedTime": r.stamp(view.changed_at),
        "alarmClearedTime": r.stamp(view.cleared_at),
        "alarmDetails": view.text,
        "isRootCause": view.is_root_cause,
        "serviceAffecting": view.service_affecting,
        "affectedService": [
            r.reference(key, hrefs.service(key), "Service") for key in view.affected_services
        ],
        "evidence": list(view.evidence),
        "count": view.count,
        "@type": "Alarm",
    }
    return r.present(own)
