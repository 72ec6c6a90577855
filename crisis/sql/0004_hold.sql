-- A dispatch that an officer paused must not be forgotten: the clock calls supervisors while it still is.

ALTER TABLE due DROP CONSTRAINT due_kind_check;
ALTER TABLE due ADD CONSTRAINT due_kind_check
    CHECK (kind IN ('expire', 'next_update', 'overdue', 'approval', 'paused'));
