-- Who approved a published matrix (批准人), beside who entered it and the document that decided it.
alter table maintenance.risk_matrix add column approved_by text not null default '';
