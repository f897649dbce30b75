"""Papers (文书 单据), each a page, PDF and XLSX alike: of the desk (statistics, outage pack, shift) and of the ledger."""
