-- A million residents: what decides who an alert is for stands beside the address, in the order of the fan-out.

ALTER TABLE address
    ADD area_id  bigint,                        -- these five are the resident's, kept by the triggers below
    ADD lon      double precision,
    ADD lat      double precision,
    ADD exercise boolean NOT NULL DEFAULT false,
    ADD joined   boolean NOT NULL DEFAULT false;  -- consented, so in audiences

UPDATE address a SET area_id = r.area_id, lon = r.lon, lat = r.lat, exercise = r.exercise,
    joined = r.consent_at IS NOT NULL
FROM resident r WHERE r.id = a.resident_id;

-- A square of a fiftieth of a degree; crisis/model/audience.py counts them by the same rule.
ALTER TABLE address ADD cell integer GENERATED ALWAYS AS (
    (floor(lat * 50)::integer + 4500) * 18001 + floor(lon * 50)::integer + 9000) STORED;

-- The lock makes a change of the resident at the same moment wait, or be seen: else the address would keep what was.
CREATE FUNCTION address_takes_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT r.area_id, r.lon, r.lat, r.exercise, r.consent_at IS NOT NULL
    INTO NEW.area_id, NEW.lon, NEW.lat, NEW.exercise, NEW.joined
    FROM resident r WHERE r.id = NEW.resident_id FOR SHARE;
    RETURN NEW;
END $$;
CREATE TRIGGER address_takes_place BEFORE INSERT OR UPDATE OF resident_id ON address
    FOR EACH ROW WHEN (NEW.resident_id IS NOT NULL) EXECUTE FUNCTION address_takes_place();

CREATE FUNCTION resident_gives_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE address a SET area_id = n.area_id, lon = n.lon, lat = n.lat, exercise = n.exercise,
        joined = n.consent_at IS NOT NULL
    FROM fresh n WHERE a.resident_id = n.id
        AND (a.area_id, a.lon, a.lat, a.exercise, a.joined)
            IS DISTINCT FROM (n.area_id, n.lon, n.lat, n.exercise, n.consent_at IS NOT NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER resident_gives_place AFTER UPDATE ON resident
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION resident_gives_place();

-- The order of the fan-out with all it needs to decide, so that looking at a row is looking at the index only.
CREATE INDEX address_walk ON address (channel, rank, id) INCLUDE (area_id, lon, lat, language, exercise, resident_id)
    WHERE joined AND opted_out_at IS NULL;
-- The same order within a place: the first there, and all of a small place.
CREATE INDEX address_area ON address (channel, area_id, rank, id) INCLUDE (lon, lat, language, exercise)
    WHERE joined AND opted_out_at IS NULL;
CREATE INDEX address_cell ON address (channel, cell, rank, id) INCLUDE (area_id, lon, lat, language, exercise)
    WHERE joined AND opted_out_at IS NULL;
DROP INDEX address_order;
DROP INDEX resident_place;
