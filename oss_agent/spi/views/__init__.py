"""What surfaces show: frozen, JSON-able views of orders, services, resources, alarms, usage.

``as_json`` gives the form that event rows store; pydantic's TypeAdapter(View) reads it back in the
bridge. Times are aware UTC. Attributes of a sender that we do not model ride in ``extra`` and are
given back as they came.
"""

from oss_agent.spi.views.alarms import AlarmView, Severity
from oss_agent.spi.views.network import (
    Confidence,
    DeviceView,
    HeardView,
    InterfaceView,
    LinkView,
    LogicalView,
    StrangerView,
    WitnessView,
)
from oss_agent.spi.views.orders import (
    CancelView,
    ErrorView,
    EvidenceView,
    ItemAction,
    Jeopardy,
    JeopardyView,
    OrderItemView,
    OrderState,
    ServiceOrderView,
    TaskState,
    WaitView,
)
from oss_agent.spi.views.plain import as_json
from oss_agent.spi.views.plans import (
    DeviceDiff,
    DryRun,
    Explanation,
    NeighbourView,
    ParticipantView,
    PlanView,
)
from oss_agent.spi.views.services import (
    BY_ITSELF,
    CUSTOMER_FACING,
    OperatingStatus,
    ResourceView,
    ServiceState,
    ServiceView,
    SpecificationRef,
)
from oss_agent.spi.views.usage import UsageView

__all__ = [
    "BY_ITSELF",
    "CUSTOMER_FACING",
    "AlarmView",
    "CancelView",
    "Confidence",
    "DeviceDiff",
    "DeviceView",
    "DryRun",
    "ErrorView",
    "EvidenceView",
    "Explanation",
    "HeardView",
    "InterfaceView",
    "ItemAction",
    "Jeopardy",
    "JeopardyView",
    "LinkView",
    "LogicalView",
    "NeighbourView",
    "OperatingStatus",
    "OrderItemView",
    "OrderState",
    "ParticipantView",
    "PlanView",
    "ResourceView",
    "ServiceOrderView",
    "ServiceState",
    "ServiceView",
    "Severity",
    "SpecificationRef",
    "StrangerView",
    "TaskState",
    "UsageView",
    "WaitView",
    "WitnessView",
    "as_json",
]
