"""Papers of the desk (单据): statistics, the outage pack, the hand-over of a shift; each a page, PDF and XLSX alike."""
