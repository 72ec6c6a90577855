"""The bucket: one rate for an account, however many workers send on it."""

from __future__ import annotations

from crisis import db
from crisis.flow.pace import BURST, LONGEST_HOLD

IN_LINE = 64  # slices that workers may wait in line for: no more of them run on one account

# One row an account, moved on by what each worker takes: together they get the account's rate and no more. A bucket
# that rested gives a moment's burst ($4), so that a late timer costs nothing. Neither a clock set back nor a rate that
# was raised may leave it far in the future: so many slices ($5) are the most that workers wait in line, and no hold
# is longer than $6. Holds of several workers are one hold: the longest counts.
GRANT = """
INSERT INTO bucket AS b (account, free_at, held_until)
VALUES ($1, clock_timestamp() + ($2::float8 + $3::float8) * interval '1 second',
        clock_timestamp() + $3::float8 * interval '1 second')
ON CONFLICT (account) DO UPDATE SET
    held_until = CASE WHEN $3::float8 > 0 THEN greatest(b.held_until, EXCLUDED.held_until) ELSE b.held_until END,
    free_at = $2::float8 * interval '1 second' + greatest(
        clock_timestamp() - $4::float8 * interval '1 second',
        least(b.free_at, clock_timestamp() + $5::float8 * $2::float8 * interval '1 second'),
        least(CASE WHEN $3::float8 > 0 THEN greatest(b.held_until, EXCLUDED.held_until) ELSE b.held_until END,
              clock_timestamp() + $6::float8 * interval '1 second'))
RETURNING extract(epoch FROM free_at - clock_timestamp())::float8 - $2::float8
"""
HOLD = """
UPDATE bucket SET held_until = greatest(held_until, clock_timestamp() + $2::float8 * interval '1 second')
WHERE account = $1
"""


async def take(pool: db.Pool, account: str, seconds: float, hold: float) -> float | None:
    """Take a slice of the rate all workers share (see pace.Ask); None while the database is away."""
    try:
        begins: float = await pool.fetchval(GRANT, account, seconds, hold, BURST, IN_LINE, LONGEST_HOLD)
    except db.FAULTS as error:
        if not db.is_brief(error):
            raise
        return None
    return begins


async def rest(connection: db.AnyConnection, account: str, seconds: float) -> None:
    """Let no worker send on an account for so long, as its provider asked."""
    await connection.execute(HOLD, account, seconds)
