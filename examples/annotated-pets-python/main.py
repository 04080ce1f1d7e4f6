from datetime import datetime

import names
from adoptions import adopted_since
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from pets.errors import AlreadyAdopted
from pets.routes import router

# @klotho::expose {
#   id = "pets-api"
#   target = "public"
# }
app = FastAPI(title="Pets")
app.include_router(router, prefix="/api")


@app.get("/", response_class=PlainTextResponse)
def home() -> str:
    return "Pets, looking for a home\n"


@app.get("/api/adoptions")
async def list_adoptions(since: datetime | None = None) -> dict[str, object]:
    found = await adopted_since(since or datetime.min)
    return {"owners": sorted(found), "count": len(found)}


@app.get("/api/names/{kind}")
async def suggest_names(kind: str, number: int = 1) -> list[str]:
    try:
        return list(await names.suggest(kind, number))
    except LookupError as error:
        raise HTTPException(404, str(error)) from error


@app.exception_handler(AlreadyAdopted)
async def already_adopted(request: Request, error: AlreadyAdopted) -> JSONResponse:
    return JSONResponse({"error": "AlreadyAdopted", "message": str(error), "pet": error.pet}, status_code=409)
