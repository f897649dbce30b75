"""Copies the few files that pages load from node_modules to dashboards/static/vendor (ignored by git)."""

import shutil
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE.parent.parent / "dashboards" / "static" / "vendor"
FILES = {
    "echarts": ("dist/echarts.esm.min.js", "LICENSE", "NOTICE"),
    "leaflet": ("dist/leaflet-src.esm.js", "dist/leaflet.js", "dist/leaflet.css", "dist/images", "LICENSE"),
}


def main() -> None:
    """Copy, replacing what an earlier version left."""
    shutil.rmtree(TARGET, ignore_errors=True)
    for package, names in FILES.items():
        for name in names:
            source = HERE / "node_modules" / package / name
            target = TARGET / package / Path(name).name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            elif source.exists():
                shutil.copy2(source, target)


if __name__ == "__main__":
    main()
