"""制造单位维保模板: items that a manufacturer demands, as data with a source, a version and an approval."""
