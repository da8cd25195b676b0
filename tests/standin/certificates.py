"""A certificate authority for one test run: archive hosts are answered on loopback, over TLS as clients ask it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.standin.redirect import HOSTS


def make(folder) -> tuple[Path, Path, Path]:
    """(authority, certificate, key), PEM files written into the folder with the openssl command."""
    folder = Path(folder)
    if not shutil.which("openssl"):
        raise RuntimeError("the tests of the archives need the openssl command to make their certificates")
    authority, authority_key = folder / "authority.pem", folder / "authority.key"
    certificate, key, request, names = (folder / f"standin.{end}" for end in ("pem", "key", "csr", "ext"))
    names.write_text("subjectAltName=" + ",".join(f"DNS:{host}" for host in HOSTS))
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    run = lambda *words: subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)  # noqa: E731
    run("req", "-x509", *curve, "-keyout", authority_key, "-out", authority, "-days", 30, "-subj", "/CN=loopback")
    run("req", *curve, "-keyout", key, "-out", request, "-subj", "/CN=standin")
    run(
        "x509",
        "-req",
        "-in",
        request,
        "-CA",
        authority,
        "-CAkey",
        authority_key,
        "-CAcreateserial",
        "-out",
        certificate,
        "-days",
        30,
        "-extfile",
        names,
    )
    return authority, certificate, key
