"""The source: what an alert of ours takes over from a CAP alert of somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shapely import MultiPolygon

from crisis.cap import nouns
from crisis.errors import BadInput
from crisis.model.alert import Mode
from crisis.model.area import from_cap
from crisis.model.playbook import Playbook

SEVERITIES = ("Minor", "Moderate", "Severe", "Extreme")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A CAP alert as far as our own alert rests on it."""

    name: str  # who said it, and its identifier
    geometry: MultiPolygon
    desc: str
    cap: Mapping[str, str]
    onset: datetime | None
    expires: datetime | None


def take(alert: nouns.Alert, language: str, mode: Mode) -> Source:
    """Take area, times, severity and event from a CAP alert; raise BadInput when ours may not rest on it.

    Refused: anything but an Alert or Update, a drill for an Actual alert of ours, and one without a polygon
    or circle: a description alone is no area (CAP 1.2 section 3.2.4).
    """
    if alert.msg_type not in {nouns.MsgType.ALERT, nouns.MsgType.UPDATE}:
        raise BadInput(f"CAP alert {alert.identifier} is a {alert.msg_type}: it warns of nothing")
    if alert.status is not nouns.Status.ACTUAL and not mode.drill:
        raise BadInput(f"CAP alert {alert.identifier} has status {alert.status}: use --mode Exercise or --mode Test")
    if not alert.infos:
        raise BadInput(f"CAP alert {alert.identifier} says nothing: it has no info")
    info = next((i for i in alert.infos if i.language.lower().split("-")[0] == language), alert.infos[0])
    geometry = from_cap(alert)
    if geometry is None or geometry.is_empty:
        raise BadInput(f"CAP alert {alert.identifier} has no polygon or circle: choose the area with --area")
    facts = {"urgency": info.urgency, "severity": info.severity, "certainty": info.certainty}
    return Source(
        name=f"{info.sender_name or alert.sender} {alert.identifier}",
        geometry=geometry,
        desc=", ".join(dict.fromkeys(a.desc for a in info.areas if a.desc)) or "area of the source alert",
        cap={k: v.value for k, v in facts.items() if v.value != "Unknown"} | {"event": info.event},
        onset=info.onset or info.effective,
        expires=info.expires,
    )


def level_for(playbook: Playbook, severity: str) -> str:
    """Choose the playbook's level of the same severity, else the nearest; unknown gives the mildest."""
    wanted = SEVERITIES.index(severity) if severity in SEVERITIES else 0

    def distance(name: str) -> int:
        own = playbook.levels[name].cap.severity
        return abs((SEVERITIES.index(own) if own in SEVERITIES else 0) - wanted)

    return min(playbook.levels, key=distance)
