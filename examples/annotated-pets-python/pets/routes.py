from datetime import datetime

import adoptions
from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from .models import Pet
from .store import pets

router = APIRouter(prefix="/pets")


class Owner(BaseModel):
    owner: str
    at: datetime


@router.get("")
def list_pets(kind: str | None = None) -> list[Pet]:
    return [pet for pet in pets.values() if kind in (None, pet.kind)]


@router.post("", status_code=201)
def add_pet(pet: Pet) -> Pet:
    if pet.name in pets:
        raise HTTPException(409, f"{pet.name} is there already")
    pets[pet.name] = pet
    return pet


@router.get("/{name}")
def one_pet(name: str) -> Pet:
    if name not in pets:
        raise HTTPException(404, "no such pet")
    return pets[name]


@router.delete("/{name}", status_code=204)
def remove_pet(name: str) -> None:
    if pets.pop(name, None) is None:
        raise HTTPException(404, "no such pet")


@router.post("/{name}/adoption")
async def adopt_pet(name: str, given: Owner) -> Pet:
    pet = await adoptions.adopt(one_pet(name), given.owner, at=given.at)
    pets[name] = pet
    return pet
