-- A finding about an organisation (a missed duty of a use-unit) is judged once, like one about a unit.
create index lead_by_organisation on maintenance.lead (org_id, source_id) where org_id is not null;
