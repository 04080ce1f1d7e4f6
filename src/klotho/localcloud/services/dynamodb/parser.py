"""Recursive-descent parser of condition, filter, key-condition, update and projection expressions.

Input: an expression's text. Output: a `Parsed` tree, cached by text, since programs send few different expressions.
Refuses, in AWS's words: wrong syntax, reserved words as names, unknown functions, wrong numbers of operands,
redundant parentheses, repeated clauses, expressions over 4 KB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeVar

from klotho.localcloud.services.dynamodb.errors import DynamoDbError, validation
from klotho.localcloud.services.dynamodb.reserved_words import RESERVED_WORDS
from klotho.localcloud.services.dynamodb.syntax import (
    And,
    Arithmetic,
    Between,
    Call,
    Compare,
    Condition,
    In,
    Not,
    Operand,
    Or,
    Parsed,
    Path,
    SetAction,
    Token,
    Update,
    ValueRef,
    syntax_error,
    tokenize,
)

MAX_BYTES = 4096
_MAX_NESTING = 64
_COMPARATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_CONDITION_FUNCTIONS: Mapping[str, int] = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
}
_UPDATE_FUNCTIONS: Mapping[str, int] = {"if_not_exists": 2, "list_append": 2}
_PATH_FIRST = frozenset({"attribute_exists", "attribute_not_exists", "if_not_exists"})
_CLAUSES = frozenset({"SET", "REMOVE", "ADD", "DELETE"})
_KEYWORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN"})
_Part = TypeVar("_Part")


@lru_cache(maxsize=1024)
def parse_condition(text: str, parameter: str = "ConditionExpression") -> Parsed[Condition]:
    """A condition, filter or key-condition expression; `parameter` is named in errors."""
    parser = _Parser(text, parameter, _CONDITION_FUNCTIONS)
    return parser.finish(parser.condition())


@lru_cache(maxsize=1024)
def parse_update(text: str) -> Parsed[Update]:
    parser = _Parser(text, "UpdateExpression", _UPDATE_FUNCTIONS)
    return parser.finish(parser.update())


@lru_cache(maxsize=1024)
def parse_projection(text: str) -> Parsed[tuple[Path, ...]]:
    parser = _Parser(text, "ProjectionExpression", {})
    return parser.finish(tuple(parser.separated(parser.path)))


class _Parser:
    """One pass over one expression's tokens."""

    def __init__(self, text: str, parameter: str, functions: Mapping[str, int]) -> None:
        self.prefix = f"Invalid {parameter}: "
        if not text.strip():
            raise validation(f"{self.prefix}The expression can not be empty;")
        if len(text.encode()) > MAX_BYTES:
            raise validation(
                f"{self.prefix}Expression size has exceeded the maximum allowed size; "
                f"expression size: {len(text.encode())}"
            )
        self.text = text
        self.functions = functions
        self.tokens = tokenize(text, self.prefix)
        self.at = 0
        self.depth = 0
        self.names: set[str] = set()
        self.values: set[str] = set()

    # ---- tokens

    def finish(self, tree: _Part) -> Parsed[_Part]:
        if self.token.kind != "end":
            raise self.unexpected()
        return Parsed(tree, frozenset(self.names), frozenset(self.values))

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    @property
    def keyword(self) -> str:
        """The current word in upper case, empty for anything else."""
        return self.token.text.upper() if self.token.kind == "word" else ""

    def advance(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def accept(self, sign: str) -> bool:
        if self.token.kind == "sign" and self.token.text == sign:
            self.at += 1
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            raise self.unexpected()

    def unexpected(self) -> DynamoDbError:
        first = self.tokens[max(self.at - 1, 0)].start
        last = self.tokens[min(self.at + 1, len(self.tokens) - 1)].end
        return syntax_error(self.prefix, self.token.text, self.text[first:last].strip())

    def separated(self, part: Callable[[], _Part]) -> list[_Part]:
        parts = [part()]
        while self.accept(","):
            parts.append(part())
        return parts

    # ---- conditions

    def condition(self) -> Condition:
        return self.as_condition(self.disjunction())

    def as_condition(self, node: Condition | Operand) -> Condition:
        if isinstance(node, Call):
            if node.function == "size":
                raise self.misused("size")
            return node
        if isinstance(node, Path | ValueRef | Arithmetic):
            raise self.unexpected()
        return node

    def misused(self, function: str) -> DynamoDbError:
        return validation(
            f"{self.prefix}The function is not allowed to be used this way in an expression; function: {function}"
        )

    def disjunction(self) -> Condition | Operand:
        first = self.conjunction()
        if self.keyword != "OR":
            return first
        terms = [self.as_condition(first)]
        while self.keyword == "OR":
            self.advance()
            terms.append(self.as_condition(self.conjunction()))
        return Or(tuple(terms))

    def conjunction(self) -> Condition | Operand:
        first = self.negation()
        if self.keyword != "AND":
            return first
        terms = [self.as_condition(first)]
        while self.keyword == "AND":
            self.advance()
            terms.append(self.as_condition(self.negation()))
        return And(tuple(terms))

    def negation(self) -> Condition | Operand:
        if self.keyword != "NOT":
            return self.comparison()
        self.advance()
        self.deeper()
        term = self.as_condition(self.negation())
        self.depth -= 1
        return Not(term)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > _MAX_NESTING:
            raise validation(f"{self.prefix}The expression is nested more than {_MAX_NESTING} levels deep")

    def comparison(self) -> Condition | Operand:
        left = self.group() if self.token.text == "(" else self.operand()
        if isinstance(left, Compare | Between | In | And | Or | Not):
            return left
        if self.token.kind == "sign" and self.token.text in _COMPARATORS:
            operator = self.advance().text
            right = self.plain_operand()
            self.check_distinct(operator, left, right)
            return Compare(operator, self.checked_operand(left), right)
        if self.keyword == "BETWEEN":
            self.advance()
            low = self.plain_operand()
            if self.keyword != "AND":
                raise self.unexpected()
            self.advance()
            return Between(self.checked_operand(left), low, self.plain_operand())
        if self.keyword == "IN":
            self.advance()
            self.expect("(")
            options = tuple(self.separated(self.plain_operand))
            self.expect(")")
            return In(self.checked_operand(left), options)
        return left

    def group(self) -> Condition | Operand:
        """A parenthesised condition or operand: which one shows only after the closing parenthesis."""
        start = self.at
        self.expect("(")
        self.deeper()
        inner = self.disjunction()
        self.expect(")")
        self.depth -= 1
        if self.tokens[start + 1].text == "(" and self.tokens[self.at - 2].text == ")" and self.wraps(start + 1):
            raise validation(f"{self.prefix}The expression has redundant parentheses;")
        return inner

    def wraps(self, opening: int) -> bool:
        """Whether the parenthesis at `opening` closes just before the one around it."""
        level = 0
        for position in range(opening, self.at):
            level += {"(": 1, ")": -1}.get(self.tokens[position].text, 0)
            if level == 0:
                return position == self.at - 2
        return False

    def plain_operand(self) -> Operand:
        if self.token.text == "(":
            inner = self.group()
            if isinstance(inner, Compare | Between | In | And | Or | Not):
                raise self.unexpected()
            return self.checked_operand(inner)
        return self.checked_operand(self.operand())

    def checked_operand(self, operand: Operand) -> Operand:
        """`size` is the only function with a value to compare."""
        if isinstance(operand, Call) and operand.function != "size" and self.functions is _CONDITION_FUNCTIONS:
            raise self.misused(operand.function)
        return operand

    def check_distinct(self, operator: str, left: Operand, right: Operand) -> None:
        if isinstance(left, Path) and left == right:
            shown = ", ".join(f"[{part}]" if isinstance(part, int) else part for part in left.parts)
            raise validation(
                f"{self.prefix}The first operand must be distinct from the remaining operands for this operator or "
                f"function; operator: {operator}, first operand: [{shown}]"
            )

    # ---- operands

    def operand(self) -> Operand:
        token = self.token
        if token.kind == "value":
            return self.value()
        if token.kind == "word" and self.tokens[self.at + 1].text == "(" and self.keyword not in _KEYWORDS:
            return self.call()
        return self.path()

    def value(self) -> ValueRef:
        if self.token.kind != "value":
            raise self.unexpected()
        name = self.advance().text
        self.values.add(name)
        return ValueRef(name)

    def call(self) -> Call:
        name = self.advance().text
        self.expect("(")
        self.deeper()
        arguments = tuple(self.separated(self.update_operand if name in _UPDATE_FUNCTIONS else self.plain_operand))
        self.expect(")")
        self.depth -= 1
        expected = self.functions.get(name)
        if expected is None:
            raise validation(f"{self.prefix}Invalid function name; function: {name}")
        if len(arguments) != expected:
            raise validation(
                f"{self.prefix}Incorrect number of operands for operator or function; operator or function: {name}, "
                f"number of operands: {len(arguments)}"
            )
        if name in _PATH_FIRST and not isinstance(arguments[0], Path):
            raise validation(
                f"{self.prefix}Operator or function requires a document path; operator or function: {name}"
            )
        if len(arguments) == 2 and name in _CONDITION_FUNCTIONS:
            self.check_distinct(name, *arguments)
        return Call(name, arguments)

    def path(self) -> Path:
        parts: list[str | int] = [self.path_name()]
        while True:
            if self.accept("."):
                parts.append(self.path_name())
            elif self.accept("["):
                if self.token.kind != "index":
                    raise self.unexpected()
                parts.append(int(self.advance().text[:9]))
                self.expect("]")
            else:
                return Path(tuple(parts), all(isinstance(part, int) or part[0] != "#" for part in parts))

    def path_name(self) -> str:
        token = self.token
        if token.kind == "name":
            self.names.add(token.text)
        elif token.kind != "word" or token.text.upper() in _KEYWORDS:
            raise self.unexpected()
        elif token.text.upper() in RESERVED_WORDS:
            raise validation(f"{self.prefix}Attribute name is a reserved keyword; reserved keyword: {token.text}")
        return self.advance().text

    # ---- updates

    def update(self) -> Update:
        clauses: dict[str, list[object]] = {}
        actions: Mapping[str, Callable[[], object]] = {
            "SET": self.set_action,
            "REMOVE": self.path,
            "ADD": self.path_and_value,
            "DELETE": self.path_and_value,
        }
        while self.keyword in _CLAUSES:
            clause = self.keyword
            self.advance()
            if clause in clauses:
                raise validation(f'{self.prefix}The "{clause}" section can only be used once in an update expression;')
            clauses[clause] = self.separated(actions[clause])
        if not clauses:
            raise self.unexpected()
        return Update(*(tuple(clauses.get(clause, ())) for clause in ("SET", "REMOVE", "ADD", "DELETE")))  # type: ignore[arg-type]  # each clause holds what its own action parser returned

    def set_action(self) -> SetAction:
        path = self.path()
        self.expect("=")
        if self.token.text != "(":
            return SetAction(path, self.arithmetic())
        return SetAction(path, self.rest_of_arithmetic(self.update_operand()))

    def arithmetic(self) -> Operand:
        return self.rest_of_arithmetic(self.update_operand())

    def rest_of_arithmetic(self, left: Operand) -> Operand:
        if self.token.text not in ("+", "-"):
            return left
        operator = self.advance().text
        return Arithmetic(operator, left, self.update_operand())

    def update_operand(self) -> Operand:
        if self.accept("("):
            self.deeper()
            inner = self.arithmetic()
            self.expect(")")
            self.depth -= 1
            return inner
        return self.operand()

    def path_and_value(self) -> tuple[Path, ValueRef]:
        return self.path(), self.value()
