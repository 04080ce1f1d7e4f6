from pydantic import BaseModel


class Pet(BaseModel):
    name: str
    kind: str
    tags: list[str] = []
    owner: str | None = None
