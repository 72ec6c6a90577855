-- Radio stations: each is a page of the channel `radio`, and somebody there says when it has aired an alert.

CREATE TABLE station (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address_id bigint NOT NULL UNIQUE REFERENCES address,  -- its language, and its way with all secrets, sealed
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    contact    bytea NOT NULL,                  -- sealed: whom we call there
    formats    text[] NOT NULL,
    way_kind   text NOT NULL,                   -- sftp, mailto ...: for lists
    cart_first integer,                         -- the numbers of its automation that are ours
    cart_last  integer,
    exercise   boolean NOT NULL DEFAULT false,  -- takes part in exercises and tests
    made_at    timestamptz NOT NULL DEFAULT now(),
    closed_at  timestamptz,                     -- gets nothing any more
    CHECK ((cart_first IS NULL) = (cart_last IS NULL)),
    CHECK (cart_first BETWEEN 1 AND cart_last AND cart_last <= 999999)
);
CREATE UNIQUE INDEX station_name ON station (lower(name));

CREATE TABLE airing (                           -- who said when a station aired an alert; append-only
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    station_id bigint NOT NULL REFERENCES station,
    alert_id   bigint NOT NULL REFERENCES alert,
    account    text NOT NULL,
    ref        text NOT NULL,                   -- of the attempt; '': the station never took the alert from us
    at         timestamptz NOT NULL,            -- when it was on air, as it was told
    said_by    bytea NOT NULL,                  -- sealed: a person's name
    by_lookup  bytea NOT NULL,                  -- HMAC of the name: the same word twice is one row
    how        text NOT NULL CHECK (how IN ('link', 'email', 'officer')),
    officer_id bigint REFERENCES officer,       -- null: by link
    note       text NOT NULL DEFAULT '',
    told_at    timestamptz NOT NULL,
    UNIQUE (station_id, alert_id, at, by_lookup)
);
CREATE INDEX airing_alert ON airing (alert_id);

-- A read-back names the ref of its attempt. Only those of radio: other attempts, by the million, are not in it.
CREATE INDEX attempt_ref ON attempt ((refs[1])) WHERE account IN ('radio', 'radio/exercise');
