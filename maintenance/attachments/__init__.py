"""附件: photos apart from the records that name them by digest."""
