-- Every batch is judged when it is stored: what the broker repeats after a fault finds its place in the short history.
alter table ingest.batch drop column fold;
