"""Catalogues as data: signals of each kind, varieties of the 特种设备目录, jurisdictions."""
