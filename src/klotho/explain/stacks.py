"""Stacks and outputs: what is deployed together and after what, and where a value that is shown comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from klotho.catalogue.kinds import implementation
from klotho.explain.model import Explanation, Line, Step
from klotho.explain.program import Compiled
from klotho.explain.resources import ResourcePages, total
from klotho.explain.why import Reasons, a_kind
from klotho.stacks import OutputSource, Stack


class StackPages:
    def __init__(self, program: Compiled, reasons: Reasons, resources: ResourcePages) -> None:
        self._program = program
        self._reasons = reasons
        self._resources = resources

    def stack(self, name: str) -> Explanation:
        stack = self._program.manifest.stack(name)
        keys = sorted(self._program.keys[logical_id] for logical_id in stack.origins)
        parts = tuple(self._resources.page(self._program.graph[key]) for key in keys)
        said = [
            item
            for item in self._program.application.constructs
            if item.id in stack.constructs and item.stack is not None and item.span is not None
        ]
        return Explanation(
            "stack",
            f"stack/{name}",
            f"stack {name} ({stack.stack_name})",
            self._summary(stack, len(parts)),
            lines=tuple(self._reasons.line(item.span) for item in said if item.span),
            chain=tuple(self._upstream(stack)),
            needed_by=tuple(item.name for item in self._program.manifest.stacks if name in item.depends_on),
            notes=tuple(f'`{item.label}` is here because it says `stack="{item.stack}"`' for item in said),
            parts=parts,
            monthly=total([part.monthly for part in parts]),
        )

    def output(self, name: str) -> Explanation:
        """Of a construct, as `klotho outputs` shows it."""
        found = next(item for item in self._program.manifest.outputs if item.name == name)
        label, _, output = name.rpartition(".")
        construct = next(
            item for item in self._program.application.constructs if label in (item.label, f"{item.kind}/{item.label}")
        )
        choice = self._program.graph.choices[construct.id]
        about = implementation(construct.kind, choice.implementation).outputs[output].about
        stack = self._program.manifest.stack(found.stack)
        value = orjson.loads(self._program.templates[stack.template])["Outputs"][found.output]["Value"]
        makers = sorted(set(_named(value)) & set(self._program.keys))
        made = f", from {', '.join(f'`{item}`' for item in makers)}" if makers else ""
        lines: tuple[Line, ...] = (self._reasons.line(construct.span),) if construct.span else ()
        return Explanation(
            "output",
            f"output/{name}",
            f"output {name}",
            f"`{name}` is the {about}. It is an output of stack `{stack.name}`{made}, and is there because "
            f"`{construct.label}` is {a_kind(construct)} made as `{choice.implementation}`. "
            f"`klotho outputs {name}` prints it once it is deployed.",
            lines=lines,
            chain=(
                *(Step("your line", line.text or str(line.span), line) for line in lines),
                Step("choice", f"`{construct.label}` is made as `{choice.implementation}`"),
                *(Step("resource", f"{item} ({self._type(item)})") for item in makers),
                Step("output", f"{found.output} of stack {stack.name}"),
            ),
        )

    def _type(self, logical_id: str) -> str:
        return self._program.graph[self._program.keys[logical_id]].type

    def _summary(self, stack: Stack, parts: int) -> str:
        names = [f"`{self._program.name_of(item)}`" for item in stack.constructs]
        holds = f" of {', '.join(names)}" if names else ""
        told = [
            f"`{stack.name}` is one of {len(self._program.manifest.stacks)} stacks, each deployed, changed and taken "
            f"back as one. It holds {parts} resource{'s' if parts != 1 else ''}{holds}."
        ]
        if stack.stateful:
            told.append("Data is in it, so it is apart from what changes with your code.")
        if stack.shared:
            told.append("All applications of the project share it.")
        if stack.depends_on:
            told.append(f"It comes after {', '.join(f'`{name}`' for name in stack.depends_on)}.")
        return " ".join(told)

    def _upstream(self, stack: Stack) -> Iterator[Step]:
        """Which values it waits for."""
        taken: dict[str, list[str]] = {}
        for source in stack.parameters.values():
            if isinstance(source, OutputSource):
                taken.setdefault(source.stack, []).append(source.output)
        for name in stack.depends_on:
            values = f"takes {', '.join(sorted(taken[name]))}" if name in taken else "waits for it"
            yield Step("after", f"{name}: {values}")


def _named(value: Any) -> Iterator[str]:
    """Logical ids in a value of a template."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "Ref" and isinstance(item, str):
                yield item
            elif key == "Fn::GetAtt":
                yield item[0] if isinstance(item, list) else item.partition(".")[0]
            elif key == "Fn::Sub":
                text = item[0] if isinstance(item, list) else item
                yield from (part.partition("}")[0].partition(".")[0] for part in text.split("${")[1:])
            else:
                yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)
