"""Counts what is adopted, and lists the pets that index.js keeps."""

# @klotho::execution_unit {
#   id = "reports"
#   keep_warm = true
# }
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pyee.base import EventEmitter

# @klotho::persist {
#   id = "pets"
# }
pets: dict[str, dict[str, Any]] = {}

# @klotho::persist {
#   id = "owners"
# }
owners: dict[str, dict[str, Any]] = {}

# @klotho::persist {
#   id = "holds"
#   ttl = 5
# }
holds: dict[str, str] = {}

# @klotho::persist {
#   id = "notes"
# }
NOTES = Path("notes")


class PetEvents(EventEmitter):
    """What happens to pets: `adopted` with the pet's name and who took it."""


# @klotho::pubsub {
#   id = "pet-events"
# }
events = PetEvents()


@events.on("adopted")
def count(pet: str, by: set[str]) -> None:
    for name in by:
        before = owners.get(name, {"pets": []})
        owners[name] = {"pets": [*before["pets"], pet], "kinds": {pets[pet]["kind"]}}


# @klotho::expose {
#   id = "reports-api"
# }
app = FastAPI()


@app.post("/summary", status_code=201)
def summary() -> list[str]:
    found = {path.stem: path.read_text() for path in NOTES.glob("*.txt") if path.stem != "summary"}
    (NOTES / "summary.txt").write_text("\n".join(f"{name}: {text}" for name, text in found.items()))
    return list(found)


@app.get("/held")
def held() -> dict[str, str]:
    return dict(holds.items())


@app.get("/report")
def report() -> dict[str, Any]:
    return {name: f"a {pet['kind']} since {pet['since'].year}" for name, pet in pets.items()}
