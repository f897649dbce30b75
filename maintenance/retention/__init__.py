"""保存期与依法删除: how long personal data is kept, and how it goes without hurting the log."""
