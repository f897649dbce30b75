"""Units from files (设备导入) and to files: parsed, staged, checked as a trial, applied; and what sources disagree about."""
