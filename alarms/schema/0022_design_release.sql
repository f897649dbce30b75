-- What the worker looks at every second: alarms that a rule's own condition suppresses (few).
create index alarm_by_design on alarms.alarm (shard) where state = 'suppressed_by_design';
