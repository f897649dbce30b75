"""月报 and 年报: one document from the board's read model, shown as a page, as PDF and as XLSX."""
