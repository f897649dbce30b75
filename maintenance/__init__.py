"""维保: checklists, paperless records, leads and the hidden-hazard ledger."""
