"""
Copy the libraries of the region explorer's page out of their npm packages, unchanged, and write their manifest.

Run `python tools/vendor_page.py FOLDER`, where FOLDER holds the packages as `npm pack` writes them:
`npm pack ol@10.11.0 proj4@2.22.0 uplot@1.6.32`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
from pathlib import Path

VENDORED = Path(__file__).resolve().parents[1] / "scripts" / "nunatak" / "explorer" / "vendored"
# package: release, licence, {file in the package: file here}
PACKAGES = {
    "ol": (
        "10.11.0",
        "BSD-2-Clause",
        {"dist/ol.js": "ol.js", "ol.css": "ol.css", "LICENSE.md": "LICENSE-ol.md"},
    ),
    "proj4": ("2.22.0", "MIT", {"dist/proj4.js": "proj4.js", "LICENSE.md": "LICENSE-proj4.md"}),
    "uplot": (
        "1.6.32",
        "MIT",
        {
            "dist/uPlot.iife.min.js": "uPlot.iife.min.js",
            "dist/uPlot.min.css": "uPlot.min.css",
            "LICENSE": "LICENSE-uplot",
        },
    ),
}


def main(folder):
    """Write the files and manifest.json."""
    manifest = []
    for name, (version, licence, files) in PACKAGES.items():
        archive = folder / f"{name}-{version}.tgz"
        row = {"package": f"npm {name} {version}", "licence": licence, "files": {}}
        row["package_sha256"] = hashlib.sha256(archive.read_bytes()).hexdigest()
        with tarfile.open(archive) as package:
            for inside, here in files.items():
                content = package.extractfile(f"package/{inside}").read()
                (VENDORED / here).write_bytes(content)
                row["files"][here] = {"from": inside, "sha256": hashlib.sha256(content).hexdigest()}
        manifest.append(row)
    (VENDORED / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
