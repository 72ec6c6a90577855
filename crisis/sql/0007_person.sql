-- A resident with several addresses: the office's code of who it is, so that a later file finds the same one.

ALTER TABLE resident ADD person_lookup bytea;   -- HMAC of the code, which may be a NIK and is kept nowhere else
-- Without the many that have no code, whose rows it would only make slower to add.
CREATE UNIQUE INDEX resident_person ON resident (person_lookup) WHERE person_lookup IS NOT NULL;
