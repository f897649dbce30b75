-- name: codes_between
select unit_no, (extract(epoch from server_time) * 1000000)::bigint, (extract(epoch from received_at) * 1000000)::bigint,
       seq, code_list, code
from ingest.code_event where unit_no = any(%s) and ts >= %s and ts < %s;
