"""The walk of a fan-out: who comes next, in the order of risk; Postgres walks, shapely has the last word on points."""

from __future__ import annotations

import asyncio
import functools
import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import asyncpg
import numpy as np
import numpy.typing as npt
from shapely import MultiPolygon

from crisis import db
from crisis.model.alert import Mode
from crisis.model.area import bounds, from_geojson, inside
from crisis.model.audience import cells, column, runs

BATCH = 1_000  # addresses of a batch
FEW = 4_000  # candidates, rows looked at, that are taken all at once
LOOKS = 3  # of one step that found nobody: an edge of the target may have none, though its cells do
LONG_TEXT = 20_000  # characters of GeoJSON: more is read in a thread
MANY = 2_000  # points: more are decided in a thread

Ids: TypeAlias = npt.NDArray[np.int64]
Degrees: TypeAlias = npt.NDArray[np.float64]

# A plan for these very arrays: a plan for any array looks each of a million rows up in a list of thousands.
PLAN = "SET LOCAL plan_cache_mode = force_custom_plan"

# OFFSET 0, here and below, keeps Postgres at one look into the index for each row. It would rather read the whole
# table for a join, once for every step.
KEPT = """
    AND ($5::bigint[] = '{}' OR (
        NOT EXISTS (SELECT FROM attempt t WHERE t.dispatch_id = ANY($5) AND t.address_id = a.id
                    AND t.outcome IN ('accepted', 'unknown') OFFSET 0)
        AND a.id NOT IN (SELECT unnest(address_ids) FROM batch
                         WHERE dispatch_id = ANY($5) AND lease > 0 AND state <> 'done')
        AND a.id NOT IN (SELECT unnest(address_ids) FROM batch
                         WHERE id = ANY(ARRAY(SELECT unnest(in_hand) FROM dispatch WHERE id = $1)))))
    AND ($6::text[] = '{}' OR NOT EXISTS (
        SELECT FROM address e WHERE e.resident_id = a.resident_id AND e.channel = ANY($6) AND e.opted_out_at IS NULL
        OFFSET 0))
"""


def _judged(at: int) -> str:
    """Of the rows `looked` at: who is surely in, and who neither surely in nor surely out.

    Those are given to shapely, ids and points, as columns: a million records would keep Python for seconds. The
    place is in the parameters from `at` on.
    """
    drill, whole, near, west, south, east, north = (f"${n}" for n in range(at, at + 7))
    return f"""
judged AS MATERIALIZED (
    SELECT id, lon, lat, coalesce(area_id = ANY({whole}::bigint[]), false)
                         OR coalesce(lon IS NULL AND area_id = ANY({near}::bigint[]), false) AS sure
    FROM looked WHERE exercise OR NOT {drill}),
doubtful AS MATERIALIZED (
    SELECT array_send(array_agg(id)) AS ids, array_send(array_agg(lon)) AS lons, array_send(array_agg(lat)) AS lats
    FROM judged WHERE NOT sure AND lon BETWEEN {west} AND {east} AND lat BETWEEN {south} AND {north})
"""


# Everybody in the areas and cells of the target, to a bound of rows looked at; whoever is in both comes twice. Few
# enough, and a village is warned whole in the release itself. The cells are told by their runs from west to east, and
# read in the order of their index, so that Postgres goes through that alone.
ALL_THERE = f"""
WITH there AS MATERIALIZED (
    SELECT p.* FROM unnest($2::bigint[]) s (area_id) CROSS JOIN LATERAL (
        SELECT id, area_id, lon, lat, exercise FROM address
        WHERE channel = $1 AND area_id = s.area_id AND joined AND opted_out_at IS NULL ORDER BY rank, id LIMIT $4) p
    UNION ALL
    SELECT p.* FROM unnest($3::integer[], $5::integer[]) s (first, last) CROSS JOIN LATERAL (
        SELECT id, area_id, lon, lat, exercise FROM address
        WHERE channel = $1 AND cell BETWEEN s.first AND s.last AND joined AND opted_out_at IS NULL
        ORDER BY cell, rank, id LIMIT $4) p
    LIMIT $4),
looked AS MATERIALIZED (SELECT DISTINCT * FROM there),
{_judged(6)}
SELECT (SELECT count(*) FROM there) AS looked,
       (SELECT array_send(array_agg(id)) FROM judged WHERE sure) AS sure, ids, lons, lats FROM doubtful
"""

# The next rows, in the order of the index and from the index alone; the bound is of rows looked at.
LOOK = f"""
WITH looked AS MATERIALIZED (
    SELECT id, rank, area_id, lon, lat, exercise FROM address
    WHERE channel = $1 AND (rank, id) > ($2::smallint, $3::bigint) AND joined AND opted_out_at IS NULL
    ORDER BY rank, id LIMIT $4),
{_judged(5)}
SELECT s.rank, s.id, (SELECT count(*) FROM looked) AS looked, (SELECT count(*) FROM judged WHERE sure) AS sure,
       ids, lons, lats
FROM (SELECT rank, id FROM looked ORDER BY rank DESC, id DESC LIMIT 1) s, doubtful
"""

# Whose risk rose since the walk began, or shortly before: the walk may have passed the place they have now, before
# they had it. An import is told by when it began, and is seen when it ends: an hour is longer than any may take.
RISEN = f"""
WITH looked AS MATERIALIZED (
    SELECT id, area_id, lon, lat, exercise FROM address
    WHERE ranked_at >= $2 AND channel = $1 AND joined AND opted_out_at IS NULL),
{_judged(3)}
SELECT (SELECT array_send(array_agg(id)) FROM judged WHERE sure) AS sure, ids, lons, lats FROM doubtful
"""
MINE = """
SELECT u.id FROM batch b CROSS JOIN LATERAL unnest(b.address_ids) AS u (id)
WHERE b.dispatch_id = $1 AND u.id = ANY($2::bigint[])
"""

# What follows a WITH that names who is `chosen`: batches of one language each. A language we have no words for gets
# the default one. The number of a batch puts the most at risk first, whichever part of the walk found them; it is
# below zero, so that the half of a batch that is taken apart in delivery still comes last.
PACK = """
, placed AS (
    SELECT id, rank, language, (row_number() OVER (PARTITION BY language ORDER BY rank, id) - 1) / 1000 AS part
    FROM (SELECT id, rank, CASE WHEN language = ANY($7::text[]) THEN language ELSE ($7::text[])[1] END COLLATE "C"
                           AS language
          FROM chosen) c),
packed AS (
    SELECT language, min(rank)::integer AS rank, array_agg(id ORDER BY rank, id) AS ids
    FROM placed GROUP BY language, part)
INSERT INTO batch (dispatch_id, account, urgent, seq, language, address_ids)
SELECT $1, $2, $3, (rank - 10) * 100000000 + $4 + row_number() OVER (ORDER BY rank, ids) - 1, language, ids FROM packed
"""

# The rows LOOK looked at, once more: who is surely in, and whose point shapely found inside. The list of those is
# asked under an OR, which Postgres answers from a hash; joined, it may go through the list for each row.
TAKE = f"""
WITH chosen AS MATERIALIZED (
    SELECT a.id, a.rank, a.language FROM address a
    WHERE a.channel = $8 AND (a.rank, a.id) > ($9::smallint, $10::bigint)
      AND (a.rank, a.id) <= ($11::smallint, $12::bigint) AND a.joined AND a.opted_out_at IS NULL
      AND (a.exercise OR NOT $13)
      AND (a.area_id = ANY($14::bigint[]) OR (a.lon IS NULL AND a.area_id = ANY($15::bigint[]))
           OR a.id IN (SELECT unnest($16::bigint[]))) {KEPT})
{PACK}"""

TAKE_THESE = f"""
WITH chosen AS MATERIALIZED (
    SELECT a.id, a.rank, a.language FROM unnest($8::bigint[]) w (id)
    CROSS JOIN LATERAL (SELECT id, rank, language, resident_id FROM address
                        WHERE id = w.id AND joined AND opted_out_at IS NULL OFFSET 0) a
    WHERE true {KEPT})
{PACK}"""

# The first candidate after here, so that nobody looks at a hundred thousand rows of other villages to find it.
SKIP = """
SELECT rank, id FROM (
    SELECT p.rank, p.id FROM unnest($4::bigint[]) s (area_id) CROSS JOIN LATERAL (
        SELECT rank, id FROM address WHERE channel = $1 AND area_id = s.area_id AND joined AND opted_out_at IS NULL
            AND (rank, id) > ($2::smallint, $3::bigint) ORDER BY rank, id LIMIT 1) p
    UNION ALL
    SELECT p.rank, p.id FROM unnest($5::integer[]) s (cell) CROSS JOIN LATERAL (
        SELECT rank, id FROM address WHERE channel = $1 AND cell = s.cell AND joined AND opted_out_at IS NULL
            AND (rank, id) > ($2::smallint, $3::bigint) ORDER BY rank, id LIMIT 1) p) n
ORDER BY rank, id LIMIT 1
"""

# Nobody of a batch that was never leased was reached. `id + 0` keeps Postgres from going through all batches there
# ever were in the order of their ids.
ROSTER = """
SELECT id, dispatch_id, state <> 'done' AS in_hand FROM batch
WHERE dispatch_id = ANY($1::bigint[]) AND id > $2 AND lease > 0
ORDER BY id + 0 LIMIT $3
"""

# Of some batches of one ancestor: who was reached by it and by none before it. A batch that was leased and is not
# finished may have sends in flight that no attempt tells of yet; whoever is in it counts as reached, for a cancel
# too many hurts less than one missed. Should one of its sends fail after this look, no later part of the walk may
# choose that address again: so the dispatch keeps which batches were in hand. In the order of the ids neighbours
# share their pages: as they come from a hash, each would be read anew.
REACHED = f"""
WITH chosen AS MATERIALIZED (
    SELECT a.id, a.rank, a.language
    FROM (SELECT w.id, bool_or(b.id = ANY($11::bigint[])) AS in_hand
          FROM batch b CROSS JOIN LATERAL unnest(b.address_ids) w (id) WHERE b.id = ANY($8::bigint[])
          GROUP BY 1 ORDER BY 1) w
    CROSS JOIN LATERAL (SELECT id, rank, language, resident_id FROM address
                        WHERE id = w.id AND joined AND opted_out_at IS NULL AND (exercise OR NOT $10) OFFSET 0) a
    WHERE (w.in_hand OR EXISTS (SELECT FROM attempt t WHERE t.dispatch_id = $9 AND t.address_id = a.id
                                AND t.outcome IN ('accepted', 'unknown') OFFSET 0)) {KEPT})
{PACK}"""
KEEP_IN_HAND = "UPDATE dispatch SET in_hand = in_hand || $2::bigint[] WHERE id = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """How far a walk has come: the last address looked at, the number of the next batch, whether there is more.

    A rank of -1 with an id is the last batch of a former dispatch that was looked at for those it reached.
    """

    rank: int
    id: int
    seq: int
    more: bool = True


class Walk:
    """One step through the audience of one dispatch, in the caller's transaction."""

    def __init__(self, connection: db.AnyConnection, row: asyncpg.Record, ancestors: Sequence[int]) -> None:
        self._connection, self._row, self._ancestors = connection, row, list(ancestors)
        self._drill = Mode(row["mode"]).drill
        self._whole, self._near = row["area_ids"], row["near_ids"]
        # An alert that fails over goes to the first address of a resident, on the channels it names in order.
        order: list[str] = row["facts"].get("failover", {}).get("order", [])
        self._before = order[: order.index(row["channel"])] if row["channel"] in order else []

    async def reached(self, here: Here, most: int) -> Here:
        """Take the next of those that earlier alerts of the chain reached: about `most`, by whole batches."""
        await self._connection.execute(PLAN)
        found = await self._connection.fetch(ROSTER, self._ancestors, here.id, max(1, most // BATCH))
        if not found:
            return Here(rank=0, id=0, seq=here.seq)
        dispatch_id = found[0]["dispatch_id"]
        batches = list(itertools.takewhile(lambda b: b["dispatch_id"] == dispatch_id, found))
        in_hand = [b["id"] for b in batches if b["in_hand"]]
        before = [a for a in self._ancestors if a < dispatch_id]
        given = (*self._pack(here, before, []), [b["id"] for b in batches], dispatch_id, self._drill, in_hand)
        added = db.count(await self._connection.execute(REACHED, *given))
        if in_hand:
            await self._connection.execute(KEEP_IN_HAND, self._row["id"], in_hand)
        return Here(rank=-1, id=batches[-1]["id"], seq=here.seq + added)

    async def inside(self, here: Here, most: int) -> Here:
        """Take the next of those in the target whom no earlier alert of the chain reached; looks at about `most`."""
        place = await _place(self._row["geometry"])
        if here.rank <= 0 and here.id == 0 and (there := await self._all_there(here, place)):
            return there
        await self._connection.execute(PLAN)
        there = await self._onward(here, place, most)
        return there if there.more else await self._risen(there, place)

    async def _onward(self, here: Here, place: _Place, most: int) -> Here:
        """Look further, at about `most`, and skip to the next candidate where nobody was found."""
        there = await self._look(here, place, most)
        for _ in range(LOOKS - 1):
            if there.seq > here.seq or not there.more or place.squares is None:
                break
            there = await self._skip(there, place.squares)
            if there.more:
                there = await self._look(there, place, most)
        return there

    async def _all_there(self, here: Here, place: _Place) -> Here | None:
        """Take everybody at once where a target has few; None where it has many, or is too large to tell."""
        if place.squares is None:
            return None
        areas = [*self._whole, *self._near]
        first, last = runs(place.squares)
        given = (self._row["channel"], areas, first, FEW, last, self._drill, self._whole, self._near)
        seen = await self._connection.fetchrow(ALL_THERE, *given, *bounds(place.geometry))
        if seen is None or seen["looked"] == FEW:
            return None
        chosen = await place.everybody(seen)
        pack = self._pack(here, self._ancestors, self._before)
        added = db.count(await self._connection.execute(TAKE_THESE, *pack, chosen)) if chosen else 0
        return replace(here, seq=here.seq + added, more=False)

    async def _look(self, here: Here, place: _Place, most: int) -> Here:
        """Take who is chosen of the next rows, in the order of risk."""
        given = (self._row["channel"], here.rank, here.id, most, self._drill, self._whole, self._near)
        seen = await self._connection.fetchrow(LOOK, *given, *bounds(place.geometry))
        if seen is None:
            return replace(here, more=False)
        chosen = await place.holds(seen)
        added = 0
        if chosen or seen["sure"]:
            pack = self._pack(here, self._ancestors, self._before)
            between = (self._row["channel"], here.rank, here.id, seen["rank"], seen["id"])
            rule = (self._drill, self._whole, self._near, chosen)
            added = db.count(await self._connection.execute(TAKE, *pack, *between, *rule))
        return Here(rank=seen["rank"], id=seen["id"], seq=here.seq + added, more=seen["looked"] == most)

    async def _skip(self, here: Here, squares: list[int]) -> Here:
        """Go to just before the next candidate, if there is one."""
        areas = [*self._whole, *self._near]
        first = await self._connection.fetchrow(SKIP, self._row["channel"], here.rank, here.id, areas, squares)
        if first is None:
            return replace(here, more=False)
        return replace(here, rank=first["rank"], id=first["id"] - 1)

    async def _risen(self, here: Here, place: _Place) -> Here:
        """Take at last whom the walk passed by: their risk rose meanwhile, to a place behind it."""
        rule = (self._drill, self._whole, self._near, *bounds(place.geometry))
        seen = await self._connection.fetchrow(RISEN, self._row["channel"], self._row["risen_since"], *rule)
        chosen = await place.everybody(seen) if seen else []
        if not chosen:
            return here
        mine = {r["id"] for r in await self._connection.fetch(MINE, self._row["id"], chosen)}
        pack = self._pack(here, self._ancestors, self._before)
        missed = [i for i in chosen if i not in mine]
        added = db.count(await self._connection.execute(TAKE_THESE, *pack, missed)) if missed else 0
        return replace(here, seq=here.seq + added)

    def _pack(self, here: Here, ancestors: list[int], before: list[str]) -> tuple[object, ...]:
        row = self._row
        return (row["id"], row["account"], row["urgent"], here.seq, ancestors, before, row["facts"]["languages"])


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an alert holds, read once for all steps: its geometry, and the cells it touches where they are few."""

    geometry: MultiPolygon
    squares: list[int] | None

    async def everybody(self, seen: asyncpg.Record) -> list[int]:
        """Give those who are in, surely or by their points."""
        sure: list[int] = column(seen["sure"], "i8").tolist()
        return sure + await self.holds(seen)

    async def holds(self, seen: asyncpg.Record) -> list[int]:
        """Tell which of the doubtful stand in the geometry, its edge included, by their ids."""
        if seen["ids"] is None:
            return []
        ids, points = column(seen["ids"], "i8"), (column(seen["lons"], "f8"), column(seen["lats"], "f8"))
        # An array, not a list: what a thread gives back lives until the next look for garbage.
        held = await asyncio.to_thread(self._chosen, ids, *points) if len(ids) > MANY else self._chosen(ids, *points)
        chosen: list[int] = held.tolist()
        return chosen

    def _chosen(self, ids: Ids, lons: Degrees, lats: Degrees) -> Ids:
        with _ONE_AT_A_TIME:
            chosen: Ids = ids[inside(self.geometry, lons, lats)]
        return chosen


# Two threads may ask one geometry, and it makes its index at the first question.
_ONE_AT_A_TIME = threading.Lock()


async def _place(text: str) -> _Place:
    return await asyncio.to_thread(_read, text) if len(text) > LONG_TEXT else _read(text)


@functools.lru_cache(maxsize=8)
def _read(text: str) -> _Place:
    geometry = from_geojson(text)
    with _ONE_AT_A_TIME:
        return _Place(geometry, cells(geometry))
