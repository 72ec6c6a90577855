-- Receipts by the million, and the next channel of a resident whose first one failed or stays silent.

ALTER TABLE dispatch ADD COLUMN made_at timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE dispatch ALTER COLUMN made_at SET DEFAULT now();

ALTER TABLE receipt ADD COLUMN stored_at timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE receipt ALTER COLUMN stored_at SET DEFAULT now();
-- A count reads only what came since its dispatches were made, not the receipts of every alert there was.
CREATE INDEX receipt_stored ON receipt USING brin (stored_at) WITH (autosummarize = on, pages_per_range = 32);

ALTER TABLE batch ADD COLUMN came_from bigint;      -- failover: the dispatch that did not reach these residents
ALTER TABLE batch ADD COLUMN moved_at timestamptz;  -- and when they were moved on

CREATE TABLE suspense (                             -- failover: who of a batch may yet have to be moved on; no
    batch_id    bigint PRIMARY KEY,                 -- foreign key, for its lock would hide the batch from a lease
    dispatch_id bigint NOT NULL,
    address_ids bigint[] NOT NULL,                  -- undecided, and with an address left to move on to
    since       timestamptz NOT NULL,               -- their time runs from here: the release, or the move
    look_at     timestamptz NOT NULL                -- infinity: all of the batch are decided
);
CREATE INDEX suspense_dispatch ON suspense (dispatch_id, look_at);
