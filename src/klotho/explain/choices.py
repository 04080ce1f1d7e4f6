"""What is chosen besides what constructs are made of: the way out of the network, the way in, calls, logins."""

from __future__ import annotations

from klotho.application import ConstructId
from klotho.explain.model import Alternative, Explanation, Step
from klotho.explain.program import Compiled
from klotho.explain.why import Reasons
from klotho.resources import SHARED
from klotho.resources.changes import Rejected

_ABOUT = {
    "egress": "How what is in the private subnets gets out of them",
    "ingress": "How requests from outside get to containers",
    "calls-of-containers": "How containers call each other",
    "calls-of-functions": "How functions and pods call containers",
    "login": "How services log in to `{}`",
}


def choice_names(program: Compiled) -> dict[str, str]:
    """The choices that are no construct's, by each way to write them: `egress`, `shared/egress`, `orders_db.login`."""
    found: dict[str, str] = {}
    for key in program.graph.choices:
        owner, _, part = key.partition("#")
        construct = program.application.by_id.get(ConstructId(owner))
        if part and construct is not None:
            found |= {f"{construct.label}.{part}": key, key: key}
        elif key.startswith(f"{SHARED}/"):
            found |= {key.removeprefix(f"{SHARED}/"): key, key: key}
    return found


def choice_page(program: Compiled, reasons: Reasons, key: str) -> Explanation:
    choice = program.graph.choices[key]
    owner, _, part = key.partition("#")
    construct = program.application.by_id.get(ConstructId(owner))
    label = construct.label if construct is not None else ""
    about = _ABOUT.get(part or key.removeprefix(f"{SHARED}/"), "A choice").format(label)
    name = f"{label}.{part}" if part else key
    why = reasons.why(choice.provenance)
    return Explanation(
        "choice",
        name,
        f"{name}: {choice.implementation}",
        f"{about}: by `{choice.implementation}`, because {why.because}.",
        lines=why.lines,
        chain=(
            *(Step("your line", line.text or str(line.span), line) for line in why.lines[:1]),
            Step("choice", f"`{choice.implementation}`: {choice.provenance.because}"),
        ),
        choice=why,
        alternatives=tuple(map(alternative, choice.rejected)),
        monthly=None if choice.monthly is None else choice.monthly / 1_000_000,
    )


def alternative(item: Rejected) -> Alternative:
    """What was not taken, why, and its cost where that is known."""
    cost = f" (about {item.monthly / 1_000_000:.2f} USD a month)" if item.monthly else ""
    return Alternative(item.implementation, f"{item.reason}{cost}")
