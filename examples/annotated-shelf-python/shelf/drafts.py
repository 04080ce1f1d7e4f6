"""Drafts, by SQLAlchemy's asyncio."""

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select
from sqlalchemy.ext.asyncio import create_async_engine

# @klotho::persist {
#   id = "drafts"
# }
engine = create_async_engine("sqlite+aiosqlite:///drafts.db")
router = APIRouter()
metadata = MetaData()
table = Table("drafts", metadata, Column("id", Integer, primary_key=True), Column("text", String, nullable=False))


class Draft(BaseModel):
    text: str


async def prepare() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)


@router.post("", status_code=201)
async def add(draft: Draft) -> Draft:
    async with engine.begin() as connection:
        await connection.execute(insert(table).values(text=draft.text))
    return draft


@router.get("")
async def every() -> list[str]:
    async with engine.connect() as connection:
        return list(await connection.scalars(select(table.c.text).order_by(table.c.id)))
