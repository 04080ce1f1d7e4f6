"""Pets are adopted; whoever listens is told."""

import letters
import mailer  # noqa: F401  listens
import statistics_of_pets as statistics
from events import events
from fastapi import FastAPI

# @klotho::expose {
#   id = "adoptions-api"
# }
app = FastAPI()


@app.post("/adoptions/{pet}", status_code=202)
async def adopt(pet: str, owner: str) -> dict[str, object]:
    told = events.emit("adopted", pet, owner=owner)
    return {"told": told, "adoptions": statistics.adoptions}


@app.get("/letters")
def sent() -> dict[str, str]:
    return dict(letters.letters)
