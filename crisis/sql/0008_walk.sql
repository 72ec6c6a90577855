-- What changes while an alert is fanned out: a risk that rises behind the walk, and a pause that is no silence.

ALTER TABLE address ADD COLUMN ranked_at timestamptz;   -- when its risk last rose
-- By a trigger, so that no way of changing a risk can forget it.
CREATE FUNCTION address_is_ranked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.ranked_at := now();
    RETURN NEW;
END $$;
CREATE TRIGGER address_is_ranked BEFORE UPDATE OF rank ON address
    FOR EACH ROW WHEN (NEW.rank < OLD.rank) EXECUTE FUNCTION address_is_ranked();
CREATE INDEX address_ranked ON address (ranked_at) WHERE ranked_at IS NOT NULL;

ALTER TABLE dispatch ADD COLUMN resumed_at timestamptz;  -- failover: no silence counts from before
ALTER TABLE dispatch ADD COLUMN swept boolean NOT NULL DEFAULT false;  -- failover: who fell between two walks was found
ALTER TABLE dispatch ADD COLUMN in_hand bigint[] NOT NULL DEFAULT '{}';  -- batches of earlier alerts, leased when looked at
