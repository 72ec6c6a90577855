-- Feeds: alerts of others, what they opened here, and our own CAP documents as first sent.

CREATE TABLE feed (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    format        text NOT NULL,
    url           text NOT NULL DEFAULT '',
    mode          text NOT NULL DEFAULT 'Exercise' CHECK (mode IN ('Actual', 'Exercise', 'Test')),
    may_release   boolean NOT NULL DEFAULT false,
    every         interval NOT NULL,
    quiet_after   interval NOT NULL,
    hosts         text[] NOT NULL DEFAULT '{}',
    certificates  text NOT NULL DEFAULT '',
    must_sign     boolean NOT NULL DEFAULT false,
    token_hash    bytea,                        -- of whoever posts to it; sha256
    enabled       boolean NOT NULL DEFAULT true,
    created_by    bigint REFERENCES officer,
    created_at    timestamptz NOT NULL DEFAULT now(),
    -- How it stands. "No alerts" is read_at = tried_at and nothing new; "cannot read it" is trouble.
    etag          text NOT NULL DEFAULT '',
    last_modified text NOT NULL DEFAULT '',
    tried_at      timestamptz,
    read_at       timestamptz,                  -- the last time it could be read, changed or not
    changed_at    timestamptz,                  -- the last time it told something new
    failures      integer NOT NULL DEFAULT 0,   -- in a row
    next_at       timestamptz NOT NULL DEFAULT now(),
    trouble       text NOT NULL DEFAULT '',
    called_at     timestamptz                   -- an officer was told of the trouble or the silence
);

CREATE TABLE source_alert (                     -- what feeds told, exactly as they told it; append-only but for its fate
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed_id     bigint NOT NULL REFERENCES feed,
    guid        text NOT NULL DEFAULT '',
    link        text NOT NULL DEFAULT '',
    sender      text NOT NULL DEFAULT '',
    identifier  text NOT NULL DEFAULT '',
    sent        timestamptz,                    -- (sender, identifier, sent) is its name in CAP
    digest      text NOT NULL,                  -- of its content; of its bytes when it was refused
    raw         bytea NOT NULL,
    alert       jsonb,                          -- its record; null: refused
    warnings    jsonb NOT NULL DEFAULT '[]',
    refused     text NOT NULL DEFAULT '',
    signature   text NOT NULL DEFAULT 'none',   -- none, valid, lenient, untrusted, broken
    standing    text NOT NULL DEFAULT '',       -- in force, superseded, cancelled ... when it was last judged
    did         text NOT NULL DEFAULT '',       -- nothing, drafted, released, updated, ended ...
    why         jsonb NOT NULL DEFAULT '[]',    -- every step of the decision leaves its reason
    alert_id    bigint REFERENCES alert,        -- the alert of ours it opened, updated or ended
    received_at timestamptz NOT NULL,
    -- The same alert by two feeds, or told again at each poll, is one row; re-sent with new content it is another.
    UNIQUE NULLS NOT DISTINCT (sender, identifier, sent, digest)
);
CREATE INDEX source_alert_feed ON source_alert (feed_id, id);
CREATE INDEX source_alert_sender ON source_alert (sender, received_at);
CREATE INDEX source_alert_ours ON source_alert (alert_id);

CREATE TABLE source_seen (                      -- which feeds told a source alert, first and last
    source_alert_id bigint NOT NULL REFERENCES source_alert ON DELETE CASCADE,
    feed_id         bigint NOT NULL REFERENCES feed ON DELETE CASCADE,
    first_at        timestamptz NOT NULL,
    last_at         timestamptz NOT NULL,
    PRIMARY KEY (source_alert_id, feed_id)
);

CREATE TABLE cap_document (                     -- an alert of ours as CAP XML, frozen when it was first asked for
    alert_id bigint PRIMARY KEY REFERENCES alert,
    xml      bytea NOT NULL,
    signed   boolean NOT NULL,
    made_at  timestamptz NOT NULL
);

-- An alert may leave without an officer when its playbook and its feed are both authorised beforehand.
ALTER TABLE alert ADD pre_authorised text;      -- by which rule of which playbook, for which feed
ALTER TABLE alert DROP CONSTRAINT live_was_approved;
ALTER TABLE alert ADD CONSTRAINT live_was_approved CHECK (state NOT IN ('live', 'superseded', 'cancelled', 'expired')
    OR approved_by IS NOT NULL OR break_glass IS NOT NULL OR pre_authorised IS NOT NULL);
