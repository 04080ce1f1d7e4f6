"""The Dockerfile of a unit that runs in a container.

Input: the unit's program. Output: `Dockerfile` and `.dockerignore`. Sources: hub.docker.com/_/golang;
github.com/GoogleContainerTools/distroless, "static" (no shell, CA certificates, a user that is not root).
"""

from __future__ import annotations

import json

START = ("/unit",)
"""What a container runs."""
BUILDS_IN = "golang:1.27"
BASE = "gcr.io/distroless/static-debian12:nonroot"


def image_files(unit: str, folder: str) -> dict[str, bytes]:
    """What a container engine builds the unit by. `folder`: of its `package main`."""
    build = "RUN CGO_ENABLED=0 go build -trimpath -o /unit"
    lines = [
        f"# Klotho: the unit {unit}.",
        f"FROM {BUILDS_IN} AS build",
        "WORKDIR /app",
        "COPY . .",
        f"{build} ./{folder}",
    ]
    lines += ["", f"FROM {BASE}", "WORKDIR /app", "COPY --from=build /unit /unit", f"CMD {json.dumps(START)}", ""]
    return {"Dockerfile": "\n".join(lines).encode(), ".dockerignore": b"Dockerfile\n.dockerignore\n"}
