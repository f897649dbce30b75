-- 送达人 and 送达地点: two officers where it is handed over or left, each with his number; where.
alter table maintenance.delivery
    add column officers text not null default '',
    add column place text not null default '';
