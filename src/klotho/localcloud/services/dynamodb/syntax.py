"""Tokens and trees of DynamoDB's expression language.

Input: the text of an expression. Output: tokens; the node classes are what `parser` builds and `conditions`,
`updates` and `projections` evaluate. Refuses characters the language does not have.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from klotho.localcloud.services.dynamodb.errors import DynamoDbError, validation

Tree = TypeVar("Tree", covariant=True)
_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<name>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<index>[0-9]+)|(?P<sign><>|<=|>=|[=<>()\[\],.+\-]))"
)


class Token(NamedTuple):
    """`kind` is word, name, value, index, sign or end."""

    kind: str
    text: str
    start: int
    end: int


def tokenize(text: str, prefix: str) -> list[Token]:
    """All tokens and a closing `end`; `prefix` opens the error message (`Invalid UpdateExpression: `)."""
    tokens: list[Token] = []
    position, limit = 0, len(text.rstrip())
    while position < limit:
        match = _TOKEN.match(text, position)
        if match is None:
            start = position + len(text[position:]) - len(text[position:].lstrip())
            raise syntax_error(prefix, text[start], text[tokens[-1].start if tokens else 0 : start + 2].strip())
        kind = str(match.lastgroup)
        tokens.append(Token(kind, match.group(kind), match.start(kind), match.end(kind)))
        position = match.end()
    tokens.append(Token("end", "<EOF>", limit, limit))
    return tokens


def syntax_error(prefix: str, token: str, near: str) -> DynamoDbError:
    return validation(f'{prefix}Syntax error; token: "{token}", near: "{near}"')


@dataclass(frozen=True, slots=True)
class Path:
    """A document path: attribute names (`#x` not yet replaced) and list indexes."""

    parts: tuple[str | int, ...]
    plain: bool
    """No placeholder in it, so `parts` is what it means."""


@dataclass(frozen=True, slots=True)
class ValueRef:
    """`:value`, with the colon."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its operands."""

    function: str
    arguments: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left + right` or `left - right`, in SET only."""

    operator: str
    left: Operand
    right: Operand


Operand = Path | ValueRef | Call | Arithmetic


@dataclass(frozen=True, slots=True)
class Compare:
    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True, slots=True)
class In:
    operand: Operand
    options: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class And:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    term: Condition


Condition = Compare | Between | In | And | Or | Not | Call


@dataclass(frozen=True, slots=True)
class SetAction:
    path: Path
    value: Operand


@dataclass(frozen=True, slots=True)
class Update:
    """The clauses of an update expression, each possibly empty."""

    sets: tuple[SetAction, ...] = ()
    removes: tuple[Path, ...] = ()
    adds: tuple[tuple[Path, ValueRef], ...] = ()
    deletes: tuple[tuple[Path, ValueRef], ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every path that is written."""
        written = [action.path for action in self.sets]
        return (*written, *self.removes, *(path for path, _ in self.adds), *(path for path, _ in self.deletes))


@dataclass(frozen=True, slots=True)
class Parsed(Generic[Tree]):
    """A tree and the placeholders it uses."""

    tree: Tree
    names: frozenset[str]
    values: frozenset[str]
