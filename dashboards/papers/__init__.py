"""文书 as documents: orders, extraction records, transfers, and the ledger as a sheet."""
