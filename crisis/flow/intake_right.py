"""The rights of a feed: it changes what it told itself, in its own mode, and nothing that officers took over."""

from __future__ import annotations

from datetime import timedelta

from crisis.cap.nouns import Alert
from crisis.flow import intake_book as book
from crisis.flow.intake_book import Prior
from crisis.flow.intake_case import GOOD, Case, Match
from crisis.model.area import from_geojson

SIGNED = [state.value for state in GOOD]
SAID_NO = timedelta(hours=1)  # so long after officers ended an alert they decide about the next of the same kind

# What opened an incident, by whom it was told, and whether it was signed by somebody trusted.
TOLD_BY = """
SELECT coalesce(bool_or(t.feed_id IS NOT NULL), false) AS here, coalesce(bool_or(s.signature = ANY($4)), false) AS good,
       string_agg(DISTINCT f.name, ', ') AS feeds
FROM source_alert s JOIN alert a ON a.id = s.alert_id JOIN feed f ON f.id = s.feed_id
LEFT JOIN source_seen t ON t.source_alert_id = s.id AND t.feed_id = $3
WHERE a.incident_id = $1 AND s.id <> $2 AND s.did IN ('drafted', 'released', 'twin')
"""

# The newest of what this feed told and an incident says.
NEWEST = """
SELECT max(s.sent) FROM source_alert s JOIN alert a ON a.id = s.alert_id
JOIN source_seen t ON t.source_alert_id = s.id AND t.feed_id = $3
WHERE a.incident_id = $1 AND s.id <> $2
  AND s.did IN ('drafted', 'released', 'update drafted', 'update released', 'recorded')
"""

# What officers ended or rejected of what this sender told: by the names given, or of the same kind just now.
ENDED_BY_OFFICERS = """
SELECT e.id, e.geometry, n.sender IS NOT NULL AS named
FROM source_alert s JOIN alert a ON a.id = s.alert_id JOIN alert e ON e.incident_id = a.incident_id
LEFT JOIN unnest($1::text[], $2::text[]) AS n (sender, identifier)
    ON lower(s.sender) = lower(n.sender) AND s.identifier = n.identifier
LEFT JOIN audit u ON u.act = 'alert.rejected' AND u.subject = e.id AND u.officer_id IS NOT NULL
WHERE s.id <> $3 AND e.mode = $4 AND (n.sender IS NOT NULL OR (s.sender = $5 AND e.playbook = $6 AND $7::boolean))
  AND ((e.purpose IN ('cancel', 'all_clear') AND e.sent IS NOT NULL AND e.pre_authorised IS NULL)
       OR (e.state = 'rejected' AND u.id IS NOT NULL))
  AND (n.sender IS NOT NULL OR coalesce(e.sent, u.at) > $8)
ORDER BY e.id DESC LIMIT 50
"""

# What officers themselves say now: a nowcast beside it would tell the same people that nothing was reported yet.
OF_OFFICERS = """
SELECT id, geometry FROM alert WHERE state = 'live' AND playbook = $1 AND mode = $2 AND expires > $3
  AND pre_authorised IS NULL AND purpose NOT IN ('cancel', 'all_clear') ORDER BY id DESC LIMIT 50
"""


async def to_follow(case: Case, prior: Prior) -> None:
    """Bar a case that follows what another feed or sender told, or what was signed and this is not: names are free."""
    if prior.sender.casefold() != case.alert.sender.casefold():
        case.stranger(f"it follows an alert of another sender, {prior.sender}")
    row = await case.connection.fetchrow(TOLD_BY, prior.incident_id, case.source_id, case.feed.id, SIGNED)
    if row is None or row["feeds"] is None:
        return
    if not row["here"]:
        case.stranger(f"it follows an alert that only feed {row['feeds']} told")
    if row["good"] and case.signature not in GOOD:
        case.stranger("what it follows was signed by somebody trusted, and it is not")


async def outrun(case: Case, prior: Prior) -> str:
    """Say that a newer alert of this feed about the same came before this one; empty when none did."""
    newest = await case.connection.fetchval(NEWEST, prior.incident_id, case.source_id, case.feed.id)
    if newest is None or newest <= case.alert.sent:
        return ""
    return f"what was sent at {newest.isoformat()}, later than this, came before"


async def to_open(case: Case, found: Match) -> None:
    """Bar a case about what officers ended or rejected before: what they decided no feed undoes by itself."""
    alert = case.alert
    names = [(r.sender, r.identifier) for r in alert.references] + [(alert.sender, alert.identifier)]
    asked = (*zip(*names, strict=True), case.source_id, case.mode.value, alert.sender, found.playbook.playbook)
    of_kind = found.magnitude is None  # each earthquake is its own
    for row in await case.connection.fetch(ENDED_BY_OFFICERS, *asked, of_kind, case.now - SAID_NO):
        if row["named"] or _meets(row["geometry"], found):
            case.bars.append(f"officers ended or rejected alert {row['id']} about the same")
            return


async def beside_officers(case: Case, found: Match) -> None:
    """Bar a case about a place for which officers have an alert of the same playbook in force."""
    asked = (found.playbook.playbook, case.mode.value, case.now)
    for row in await case.connection.fetch(OF_OFFICERS, *asked):
        if _meets(row["geometry"], found):
            case.bars.append(
                f"officers have alert {row['id']} about the same in force, and this must not contradict it"
            )
            return


def _meets(geometry: str, found: Match) -> bool:
    return bool(from_geojson(geometry).intersects(found.target.geometry))


def to_change(case: Case, prior: Prior) -> None:
    """Bar a case that would change what officers released: their level and words are not a feed's to lower."""
    if prior.latest is not None and prior.latest["pre_authorised"] is None:
        case.bars.append(f"alert {prior.latest['id']} was released by officers, and they change it")


async def standing_of_others(case: Case) -> list[tuple[Alert, bool]]:
    """Give what may have ended an alert, each with whether this feed may say so: told by itself, signed if it must."""
    signed = SIGNED if case.feed.must_sign else []
    return await book.bearing_on(case.connection, case.source_id, case.alert, case.now, case.feed, signed)
