"""Pets are adopted; whoever listens is told."""

import letters
import mailer  # noqa: F401  listens
import statistics_of_pets as statistics
from events import events
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route


async def adopt(request: Request) -> JSONResponse:
    owner = request.query_params.get("owner", "nobody")
    told = events.emit("adopted", request.path_params["pet"], owner=owner)
    return JSONResponse({"told": told, "adoptions": statistics.adoptions}, status_code=202)


def home(request: Request) -> PlainTextResponse:
    answer = PlainTextResponse(f"hello {request.cookies.get('name', 'you')}", background=BackgroundTask(print, "seen"))
    answer.set_cookie("name", request.query_params.get("name", "you"), path="/")
    answer.set_cookie("seen", "yes")
    return answer


async def sent(request: Request) -> JSONResponse:
    return JSONResponse(dict(letters.letters))


# @klotho::expose {
#   id = "adoptions-api"
# }
app = Starlette(
    routes=[
        Route("/", home),
        Mount("/adoptions", routes=[Route("/{pet}", adopt, methods=["POST"])]),
        Route("/letters", sent),
    ]
)
