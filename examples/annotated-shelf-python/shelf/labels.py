"""Labels, by SQLModel."""

from fastapi import APIRouter, HTTPException
from sqlmodel import Field, Session, SQLModel, create_engine, select

# @klotho::persist {
#   id = "labels"
# }
engine = create_engine("sqlite:///labels.db", echo=False)
router = APIRouter()


class Label(SQLModel, table=True):
    name: str = Field(primary_key=True)
    color: str = "grey"


class LabelShown(SQLModel):
    name: str
    color: str


def prepare() -> None:
    SQLModel.metadata.create_all(engine)


@router.put("/{name}", response_model=LabelShown)
def put(name: str, color: str) -> Label:
    with Session(engine) as session:
        label = session.get(Label, name) or Label(name=name)
        label.color = color
        session.add(label)
        session.commit()
        session.refresh(label)
        return label


@router.get("/{name}", response_model=LabelShown)
def get(name: str) -> Label:
    with Session(engine) as session:
        label = session.exec(select(Label).where(Label.name == name)).first()
        if label is None:
            raise HTTPException(404, "no such label")
        return label
