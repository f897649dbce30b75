-- name: counts
select coalesce(sum(b.stored), 0), coalesce(sum(b.duplicates), 0), coalesce(sum(b.quarantined), 0),
       coalesce(sum(b.redelivered), 0), coalesce(sum(b.late), 0),
       (select count(*) from alarms.alarm where raised_at >= %(since)s),
       (select count(*) from alarms.incident where opened_at >= %(since)s),
       (select count(*) from maintenance.lead where state = 'pending')
from ingest.batch b where b.judged_at >= %(since)s;
