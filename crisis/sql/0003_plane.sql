-- Many workers at once: what each flush and each account's rate needs so that they add up.

CREATE TABLE flush (                            -- one row for each flush of attempts: claimed in its transaction,
    writer uuid NOT NULL,                       -- so that a flush told twice (a lost COMMIT, a redelivery) is
    number bigint NOT NULL,                     -- written once
    at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (writer, number)
);
CREATE INDEX flush_at ON flush (at);            -- old claims are pruned by age

-- The rate of an account, shared by every worker that sends on it. After a crash it begins anew: nothing waits for a disk.
CREATE UNLOGGED TABLE bucket (
    account    text PRIMARY KEY,
    free_at    timestamptz NOT NULL,            -- when the next send is free: each grant moves it on by what it took
    held_until timestamptz NOT NULL DEFAULT '-infinity'  -- the provider asked to wait until then
);

ALTER TABLE retry ADD COLUMN leased_by bigint;  -- the fence: a number of the worker that has it in hand

CREATE INDEX batch_open ON batch (dispatch_id) WHERE state IN ('ready', 'leased');  -- is a dispatch done?
CREATE INDEX address_opted_out ON address (opted_out_at) WHERE opted_out_at IS NOT NULL;  -- whom a deaf worker missed

ALTER TABLE batch ADD COLUMN lapses smallint NOT NULL DEFAULT 0;  -- leases that ran out: a worker died with it in hand

ALTER TABLE dispatch DROP CONSTRAINT dispatch_stopped_check;
ALTER TABLE dispatch ADD CONSTRAINT dispatch_stopped_check
    CHECK (stopped IN ('expired', 'cancelled', 'superseded', 'paused', 'officer'));
