"""An extraction as one ZIP: the papers, the files, and their digests."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime

from dashboards.papers import compose
from dashboards.reports.render import as_pdf
from equipment.foundation.clock import SHANGHAI
from maintenance.extracts.model import Digest, Material, Order, digests, manifest


def pack(material: Material, order: Order, made_at: datetime) -> tuple[tuple[Digest, ...], bytes]:
    """Digests of what was extracted, and the bytes of the ZIP; the same input gives the same bytes."""
    found = digests(material.files)
    papers = {"电子数据提取笔录.pdf": as_pdf(compose.extraction(material, order, found, made_at), made_at)}
    if order.transfer_to:
        papers["案件移送书.pdf"] = as_pdf(compose.transfer(material, order, made_at), made_at)
    listed = json.dumps(manifest(found), ensure_ascii=False, indent=1).encode()
    buffer = io.BytesIO()
    stamp = made_at.astimezone(SHANGHAI).timetuple()[:6]
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in sorted({**material.files, **papers, "manifest.json": listed}.items()):
            file.writestr(zipfile.ZipInfo(name, stamp), data, zipfile.ZIP_DEFLATED)
    return found, buffer.getvalue()
