"""An explanation as text, in three depths.

Input: an `Explanation`. Output: lines. `short` is a paragraph and the user's lines; the default adds the chain from the
line to the thing, what lost, permissions and what is made; `verbose` every property with its rule. Refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import Literal

from klotho.explain import Explanation, Fact, Grant, Step, Why

Depth = Literal["short", "default", "verbose"]
_WIDTH = 110


def explain_page(found: Explanation, depth: Depth) -> Iterator[str]:
    yield found.title
    yield _wrapped(found.summary, 2)
    width = max((len(str(line.span)) for line in found.lines), default=0)
    shown = found.lines if depth == "verbose" else found.lines[:4]
    for line in shown:
        yield f"    {str(line.span).ljust(width)}  {line.text or '(the line is not shown)'}".rstrip()
    if len(shown) < len(found.lines):
        yield f"    and {len(found.lines) - len(shown)} more lines; `-v` shows them"
    if depth == "short":
        return
    yield from _chain(found.chain)
    yield from _section("what else it could have been", [f"{item.name}: {item.reason}" for item in found.alternatives])
    yield from _section("permissions", [text for grant in found.grants for text in _grant(grant)])
    yield from _section("what lost", [text for fact in found.facts for text in _rejected(fact)])
    yield from _section("needed by", [", ".join(found.needed_by)] if found.needed_by else [])
    yield from _section("besides", [*_cost(found), *found.notes])
    yield from _table("resources", [_part(part) for part in found.parts])
    if depth == "verbose":
        yield from _everything(found)
    elif found.subject in ("resource", "property") and len(found.facts) > 1:
        yield from _section("properties", [_summed(found.facts)])


def _everything(found: Explanation) -> Iterator[str]:
    for item in (found, *found.parts):
        texts = [text for fact in item.facts for text in _fact(fact)]
        yield from _section(f"properties of {item.name}" if item is not found else "properties", texts)
    whys = [fact.why for item in (found, *found.parts) for fact in item.facts]
    rules = {why.rule: why for why in whys}
    told = [text for rule, why in sorted(rules.items()) for text in _rule(rule, why)]
    yield from _section("rules", told)


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from (_wrapped(line, 2) for line in lines)


def _wrapped(text: str, indent: int, hanging: int = 2) -> str:
    """At words only: names and values stay whole."""
    plain = text.lstrip()
    lead = " " * (indent + len(text) - len(plain))
    if len(lead) + len(plain) <= _WIDTH:
        return f"{lead}{plain}"
    rest = f"{lead}{' ' * hanging}"
    return fill(
        plain, _WIDTH, initial_indent=lead, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def _chain(chain: Sequence[Step]) -> Iterator[str]:
    steps = list(dict.fromkeys(chain))
    if steps:
        yield ""
        yield "how it came to be"
    for previous, step in zip([None, *steps], steps, strict=False):
        at = f" ({step.line.span})" if step.line and step.text != str(step.line.span) else ""
        repeated = previous is not None and previous.what == step.what != "your line"
        label = "" if repeated else step.what
        yield f"  {label:<14}{_wrapped(f'{step.text}{at}', 16, 0).lstrip()}"


def _grant(grant: Grant) -> Iterator[str]:
    yield grant.text
    yield f"  {grant.removal}"


def _rejected(fact: Fact) -> Iterator[str]:
    for value, why in fact.rejected:
        yield f"{fact.path} = {value}, wanted by {_who(why)}"
        yield f"  {fact.value} won: {_who(fact.why)}"


def _cost(found: Explanation) -> Iterator[str]:
    if found.monthly is not None and found.monthly > 0:
        yield f"on AWS about {found.monthly:,.2f} USD a month; `klotho cost` says how that is reckoned"
    elif found.monthly is not None and found.subject != "property":
        yield "by itself it costs nothing on AWS"


def _part(part: Explanation) -> tuple[str, str, str]:
    why = next((step.text for step in part.chain if step.what == "rule"), "")
    at = str(part.lines[0].span) if part.lines else ""
    return part.name, part.title.rpartition("(")[2].rstrip(")"), f"{at} {why.partition(':')[0]}".strip()


def _table(title: str, rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if rows:
        yield ""
        yield title
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield f"  {'  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))}".rstrip()


def _summed(facts: Sequence[Fact]) -> str:
    rules = sorted({fact.why.rule for fact in facts})
    named = ", ".join(f"`{rule}`" for rule in rules)
    return f"{len(facts)} values, decided by {named}; `-v` shows each"


def _fact(fact: Fact) -> Iterator[str]:
    yield f"{fact.path} = {fact.value}"
    yield f"    {_who(fact.why)}"
    yield from (f"    also wanted by {_who(why)}" for why in fact.also)
    yield from (f"    instead of {value}, wanted by {_who(why)}" for value, why in fact.rejected)


def _who(why: Why) -> str:
    at = f" ({why.lines[0].span})" if why.lines else ""
    kind = "" if why.precedence == "meaning" else f", a {why.precedence}"
    return f"rule `{why.rule}`{kind}, because {why.because}{at}"


def _rule(rule: str, why: Why) -> Iterator[str]:
    yield f"{rule}: {why.about}"
    if why.source:
        yield f"    from AWS's documentation: {why.source}"
