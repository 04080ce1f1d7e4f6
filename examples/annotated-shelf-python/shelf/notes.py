"""Notes, by SQLAlchemy."""

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel
from sqlalchemy import create_engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

# @klotho::persist {
#   id = "notes"
# }
engine = create_engine("sqlite:///notes.db", connect_args={"check_same_thread": False})
router = APIRouter(prefix="/notes")


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(unique=True)


class NewNote(BaseModel):
    text: str


def prepare() -> None:
    Base.metadata.create_all(engine)


@router.post("", status_code=201)
def add(new: NewNote) -> dict[str, object]:
    try:
        with Session(engine) as session, session.begin():
            note = Note(text=new.text)
            session.add(note)
            session.flush()
            return {"id": note.id, "text": note.text}
    except IntegrityError as error:
        raise HTTPException(409, "there is such a note") from error


@router.get("")
def every() -> list[str]:
    with Session(engine) as session:
        return list(session.scalars(select(Note.text).order_by(Note.text)))
