-- A draw may ask for a number instead of shares: how many each stratum gave, as it was decided; null: by shares.
alter table maintenance.draw add column counts jsonb;
