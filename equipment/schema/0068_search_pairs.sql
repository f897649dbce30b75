-- The same pairs in half the time: cutting the text once into its characters instead of once for each pair.
create or replace function equipment.pairs(words text) returns text[]
immutable parallel safe strict set search_path = pg_catalog, pg_temp language plpgsql as $$
declare characters constant text[] := string_to_array(words, null);
begin
    return array(select a || b from unnest(characters[1:cardinality(characters) - 1], characters[2:]) t(a, b));
end $$;
