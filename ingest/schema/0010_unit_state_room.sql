-- A unit's row is rewritten up to once a second: with room on its page it is updated in place, without touching the index.
alter table ingest.unit_state set (fillfactor = 50);
