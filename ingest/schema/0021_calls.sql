-- 96366 接警记录: the rest of the 22 columns of a city's export, and how the lift of a call was found.
alter table ingest.call_record
    add column subcategory text,               -- 工单细类
    add column registration_code text,         -- 电梯注册代码, as told
    add column certificate_no text,            -- 使用登记证编号, as told
    add column project text,                   -- 小区项目名
    add column use_unit_name text,             -- 使用管理单位, as told
    add column firm_name text,                 -- 维保单位, as told
    add column cause_text text,                -- 故障原因 in the source's words, where no code fits
    add column release_mode text check (release_mode in ('firm', 'property', 'self', 'other')),
    add column link text not null default 'none' check (link in
        ('none', 'rescue_code', 'unit_id', 'certificate_no', 'registration_code', 'address', 'ambiguous', 'chosen')),
    add column candidates integer[] not null default '{}', -- units among which a person must choose
    add constraint call_link check (unit_no is null or link <> 'ambiguous');
update ingest.call_record set link = 'rescue_code' where unit_no is not null;
create index call_to_choose on ingest.call_record (reported_at desc) where link = 'ambiguous';

-- What can be computed of a call's milestones; null where one of the two is missing or they do not follow each other.
create view ingest.call_times with (security_invoker = true) as
select id, unit_no, source, category, historical, reported_at, trapped,
       extract(epoch from dispatched_at - reported_at)::float8 as dispatch_seconds,
       extract(epoch from arrived_at - reported_at)::float8 as arrival_seconds,
       case when freed_at >= arrived_at then extract(epoch from freed_at - arrived_at)::float8 end as rescue_seconds,
       extract(epoch from freed_at - reported_at)::float8 as trapped_seconds,
       extract(epoch from closed_at - reported_at)::float8 as closing_seconds
from ingest.call_record;
grant select on ingest.call_times to teshe_scoped, teshe_system;
