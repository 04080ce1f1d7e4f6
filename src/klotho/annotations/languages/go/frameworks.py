"""Frameworks of Go by the paths of their modules, as people call them.

Those of net/http's handlers can be served, whether their routes are known or not; others listen in a way of their own
and are refused by their names.
"""

from __future__ import annotations

from collections.abc import Mapping

from klotho.annotations.languages.go.modules import GoFile

HTTP = "net/http"
CHI = "github.com/go-chi/chi"
GIN = "github.com/gin-gonic/gin"

SERVED: Mapping[str, str] = {
    "connectrpc.com/connect": "Connect",
    "github.com/beego/beego": "Beego",
    "github.com/bmizerany/pat": "pat",
    "github.com/danielgtaylor/huma": "Huma",
    "github.com/emicklei/go-restful": "go-restful",
    "github.com/gocraft/web": "gocraft/web",
    "github.com/gorilla/mux": "gorilla/mux",
    "github.com/julienschmidt/httprouter": "httprouter",
    "github.com/labstack/echo": "Echo",
    "github.com/twitchtv/twirp": "Twirp",
    "github.com/uptrace/bunrouter": "bunrouter",
    "github.com/urfave/negroni": "Negroni",
    "goji.io": "Goji",
}
"""Their routers are handlers of net/http."""
REFUSED: Mapping[str, str] = {
    "github.com/cloudwego/hertz": "Hertz",
    "github.com/fasthttp/router": "fasthttp",
    "github.com/gofiber/fiber": "Fiber",
    "github.com/kataras/iris": "Iris",
    "github.com/valyala/fasthttp": "fasthttp",
    "github.com/zeromicro/go-zero": "go-zero",
    "google.golang.org/grpc": "gRPC",
}


def framework_of(file: GoFile, local: str) -> tuple[str, bool] | None:
    """The framework of a package that a file calls so, and whether it is refused; None for none that is known by
    name."""
    path = file.imported(local)
    for is_refused, names in ((False, SERVED), (True, REFUSED)):
        for module, title in names.items():
            if path is not None and is_of(path, module):
                return title, is_refused
    return None


def frameworks_of(file: GoFile) -> list[tuple[str, bool]]:
    """Those that a file imports."""
    found = (framework_of(file, item.local) for item in file.imports)
    return [item for item in found if item is not None]


def is_of(path: str, module: str) -> bool:
    """Whether a package is of a module, of whatever major version."""
    return path == module or path.startswith(f"{module}/")


def local_of(file: GoFile, module: str) -> str | None:
    """How a file calls the package at the top of a module, of whatever major version; None where it imports none."""
    for item in file.imports:
        rest = item.path.removeprefix(module)
        if rest != item.path and (not rest or (rest.startswith("/v") and rest[2:].isdigit())):
            return item.local
    return None
