"""A preview as a page of text: stacks, in them constructs, in them resources with why they change; then what it means.

Input: a `Preview`, the user's lines by construct id, a way to colour. Output: lines. Refuses nothing. Long lists of
what is created are folded unless `verbose` or `diff`; what is replaced, deleted, public or loses data is always shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from klotho.cli.console import counted
from klotho.deploy.comparison import PropertyDifference
from klotho.deploy.consequences import Consequence
from klotho.deploy.differences import ResourceChange
from klotho.deploy.interrupted import Interrupted
from klotho.deploy.preview import COST, Preview, StackChange
from klotho.deploy.shown import shown, shown_pair
from klotho.deploy.sites.step import SiteChange
from klotho.deploy.verify import Verification
from klotho.deploy.why import Reason
from klotho.diagnostics import Span

Paint = Callable[[str, str], str]
"""Text and style."""

FOLDED_FROM = 4
"""So many created resources of one construct, and they are counted instead of listed."""
SHOWN_REASONS = 2
SHOWN_DETAILS = 4
SHOWN_PROPERTIES = 3
SHOWN_TYPES = 5

_SIGNS = {
    "add": ("+", "green"), "modify": ("~", "yellow"), "replace": ("±", "red"), "remove": ("-", "red"),
    "moved": ("→", "cyan"),
}  # fmt: skip
_ACTIONS = {
    "create": ("+", "green"), "update": ("~", "yellow"), "recreate": ("±", "yellow"), "delete": ("-", "red"),
    "stuck": ("!", "red"),
}  # fmt: skip
_WEIGHT = ("replace", "remove", "moved", "modify", "add")
_KINDS = {"public": ("public", "red"), "network": ("network", "yellow"), "permission": ("permission", "yellow")}


class Page:
    """One preview."""

    def __init__(
        self, found: Preview, spans: Mapping[str, Span], paint: Paint, *, diff: bool = False, verbose: bool = False
    ) -> None:
        self._found = found
        self._spans = spans
        self._paint = paint
        self._diff = diff
        self._verbose = verbose

    def lines(self) -> Iterator[str]:
        found = self._found
        yield from map(self._interrupted, found.interrupted)
        if found.changes or found.changed_sites:
            yield from self._tree()
            yield from self._meaning()
            yield f"cost: {COST}"
            yield self._summary()
        else:
            yield "nothing would change"
        yield from self._verified(found.verified or ())

    def _interrupted(self, item: Interrupted) -> str:
        names = ", ".join(map(_name, item.constructs))
        word = self._paint("interrupted", "yellow")
        return (
            f"{word}: a run ended while it moved {names} from {' and '.join(item.sources)} to {item.stack.stack_name}: "
            "`klotho up` finishes that first; what is in them stays"
        )

    def _tree(self) -> Iterator[str]:
        for stack in self._found.changes:
            yield from self._stack(stack)
        for site in self._found.changed_sites:
            sign, style = _ACTIONS[site.action]
            yield f"{self._paint(sign, style)} {site.action} files of {_name(site.construct)}{_files(site)}"
        unchanged = len(self._found.stacks) - len(self._found.changes)
        if unchanged:
            yield self._paint(f"  {counted(unchanged, 'stack')} unchanged", "dim")
        yield ""

    def _stack(self, stack: StackChange) -> Iterator[str]:
        sign, style = _ACTIONS[stack.action]
        if stack.action == "stuck":
            said = f"{sign} stack {stack.stack} is stuck: `up` refuses it, and says which command leads out"
            yield self._paint(said, style)
            return
        maybe = "may " if stack.uncertain else ""
        only = "" if stack.resources else "  (only its inputs)"
        yield f"{self._paint(f'{sign} {maybe}{stack.action}', style)} stack {stack.stack}{only}"
        ordered = sorted(
            stack.resources, key=lambda item: (item.construct, _WEIGHT.index(item.change), item.logical_id)
        )
        for construct, members in groupby(ordered, key=lambda item: item.construct):
            yield from self._construct(stack.stack, construct, list(members))

    def _construct(self, stack: str, construct: str, members: Sequence[ResourceChange]) -> Iterator[str]:
        kind, _, name = construct.rpartition("/")
        span = self._spans.get(construct)
        yield f"    {name or 'what belongs to no construct'}{f'  {kind}' if kind else ''}{f'  {span}' if span else ''}"
        added = [item for item in members if item.change == "add"]
        folded = len(added) >= FOLDED_FROM and not (self._verbose or self._diff)
        listed = [item for item in members if not (folded and item.change == "add")]
        for reasons, group in groupby(listed, key=lambda item: self._reasons(stack, item, span)):
            for item in group:
                yield from self._resource(item)
            yield from self._because(reasons)
        if folded:
            yield f"      {self._paint('+', 'green')}  {_types(added)}"
            reasons = tuple(dict.fromkeys(reason for item in added for reason in self._reasons(stack, item, span)))
            yield from self._because(reasons)

    def _resource(self, item: ResourceChange) -> Iterator[str]:
        sign, style = _SIGNS[item.change]
        properties = _listed([detail.dotted for detail in item.details], SHOWN_PROPERTIES) if not self._diff else ""
        moved = f"  from {item.moved_from}" if item.moved_from else ""
        maybe = "?" if item.uncertain else " "
        detail = f"  {properties}" if properties else ""
        yield f"      {self._paint(sign, style)}{maybe} {_short(item.type)} {item.logical_id}{moved}{detail}"
        if item.change == "replace":
            text = f"a new one takes its place: {', '.join(item.replaced_by)} can't change in place"
            yield f"          {self._paint(text, style)}"
        if self._diff:
            yield from (f"          {line}" for line in map(self._difference, item.details))

    def _difference(self, item: PropertyDifference) -> str:
        if item.before is None and item.after is None:
            return f"{item.dotted}: as the stack's"
        if item.before is None:
            return f"{item.dotted}: {self._paint(f'+ {shown(item.place, item.after)}', 'green')}"
        if item.after is None:
            return f"{item.dotted}: {self._paint(f'- {shown(item.place, item.before)}', 'red')}"
        return f"{item.dotted}: {' → '.join(shown_pair(item.place, item.before, item.after))}"

    def _reasons(self, stack: str, item: ResourceChange, span: Span | None) -> tuple[Reason, ...]:
        """Without what the construct's own line, shown above, says already of what is new."""
        reasons = self._found.because(stack, item.logical_id)
        if item.change == "add":
            return tuple(reason for reason in reasons if reason.span is None or span is None or reason.span != span)
        return reasons

    def _because(self, reasons: Sequence[Reason]) -> Iterator[str]:
        """The weightiest."""
        told = list(dict.fromkeys(f"{reason.text}{f' {reason.span}' if reason.span else ''}" for reason in reasons))
        if told:
            more = f" and {len(told) - SHOWN_REASONS} more" if len(told) > SHOWN_REASONS and not self._verbose else ""
            kept = told if self._verbose else told[:SHOWN_REASONS]
            yield self._paint(f"          because {', '.join(kept)}{more}", "dim")

    def _meaning(self) -> Iterator[str]:
        known = [item for item in self._found.consequences if not item.fresh or self._verbose]
        folded = len(self._found.consequences) - len(known)
        for item in known:
            word, style = _KINDS[item.kind]
            yield f"{self._paint(word, style)}: {self._consequence(item)}"
        if folded:
            yield f"{counted(folded, 'permission and rule')} of what is new (--verbose lists them)".replace(
                "permission and rules", "permissions and rules"
            )
        for stack, lost in self._found.data_lost:
            text = f"{lost.logical_id} ({_short(lost.type)}) in {stack}"
            name = _name(lost.construct) or lost.logical_id
            said = f"{text}; `up` refuses this without --delete-data {name}"
            yield f"{self._paint('data would be lost', 'red')}: {said}"
        for rename in self._found.renames:
            option = f"--move {rename.old}={rename.new}"
            yield f"{rename.new} may be {rename.old} under a new name: `up` asks, and `{option}` says so"

    def _consequence(self, item: Consequence) -> str:
        details = _listed(item.details, None if self._verbose else SHOWN_DETAILS)
        reasons = self._found.because(item.stack, item.logical_id)
        at = next((reason.span for reason in reasons if reason.span), self._spans.get(item.construct))
        return f"{item.text}{f': {details}' if details else ''}{f'  {at}' if at else ''}"

    def _summary(self) -> str:
        counts = ", ".join(f"{count} to {word}" for word, count in self._found.counts.items() if word != "moved")
        moved = self._found.counts.get("moved")
        said = ", ".join(part for part in (counts, f"{moved} to move" if moved else "") if part)
        stacks = len(self._found.changes)
        if not stacks:
            return f"{counted(len(self._found.changed_sites), 'site')} to publish, no stack changes"
        return f"{counted(stacks, 'stack')}: {said or 'tags or inputs only'}"

    def _verified(self, verified: Iterable[Verification]) -> Iterator[str]:
        known = list(verified)
        agreeing = [item for item in known if item.result == "agrees"]
        if agreeing:
            possible = sum(not one.certain for item in known for one in item.disagreements)
            more = f"; {counted(possible, 'change')} more it can't rule out" if possible and not self._verbose else ""
            yield f"CloudFormation agrees about {counted(len(agreeing), 'stack')}{more}"
        for item in known:
            if item.result == "disagrees":
                yield self._paint(f"CloudFormation disagrees about {item.stack}:", "red")
            elif item.result == "refused":
                yield self._paint(f"CloudFormation refuses the update of {item.stack}: {item.reason}", "red")
            elif item.result == "not asked":
                yield self._paint(f"CloudFormation was not asked about {item.stack}: {item.reason}", "dim")
            for one in (one for one in item.disagreements if one.certain or self._verbose):
                said = (
                    f"CloudFormation says {one.cloudformation}" if one.certain else "CloudFormation can't rule it out"
                )
                yield f"    {_short(one.type)} {one.logical_id}: {one.preview}, {said}"


def _types(items: Iterable[ResourceChange]) -> str:
    counts = Counter(_short(item.type) for item in items)
    listed = [f"{count} {name}" if count > 1 else name for name, count in sorted(counts.items())]
    return f"{sum(counts.values())} resources: {_listed(listed, SHOWN_TYPES, 'more types')}"


def _listed(texts: Sequence[str], most: int | None, more_of: str = "more") -> str:
    kept = texts if most is None or len(texts) <= most else texts[: most - 1]
    more = f" and {len(texts) - len(kept)} {more_of}" if len(kept) < len(texts) else ""
    return f"{', '.join(kept)}{more}"


def _files(site: SiteChange) -> str:
    counts = ((site.changed, "changed"), (site.removed, "removed"))
    said = ", ".join(f"{count} {what}" for count, what in counts if count)
    return f": {said}" if said else ""


def _short(type_name: str) -> str:
    return type_name.removeprefix("AWS::")


def _name(construct: str) -> str:
    return construct.rpartition("/")[2]
