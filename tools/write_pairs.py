"""Write docs/pairs.md: every pair of constructs the catalogue gives a meaning, and what it creates.

python tools/write_pairs.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from klotho.catalogue.kinds import candidates
from klotho.catalogue.relationships import PAIRS
from klotho.catalogue.rules import ECS, EKS, LAMBDA

PAGE = Path(__file__).resolve().parent.parent / "docs" / "pairs.md"
_NAMES = {EKS: "EKS", ECS: "ECS", LAMBDA: "Lambda"}
HEAD = """\
# Who may use what

Every relationship there is: the construct that says it, the verb, the construct it is about, and what Klotho makes of
it. Anything else is refused at its line, with the pairs that would do. `python tools/write_pairs.py` writes this page
from the catalogue; each row is deployed in the local cloud and used by a test in `tests/localcloud/pairs/`.

"""


def rendered() -> str:
    rows = sorted(
        (actor, _on(pair.actor_on, actor), verb, target, _on(pair.target_on, target), pair.creates)
        for pair in PAIRS
        for verb in pair.verbs
        for actor in pair.actors
        for target in pair.targets
    )
    lines = [f"{len(rows)} pairs.", "", "| construct | verb | construct | what it creates |", "|---|---|---|---|"]
    lines += [
        f"| `{actor}`{actor_on} | `{verb}` | `{target}`{target_on} | {creates} |"
        for actor, actor_on, verb, target, target_on, creates in rows
    ]
    return HEAD + "\n".join(lines) + "\n"


def _on(hosts: tuple[str, ...], kind: str) -> str:
    """What must run it, where a pair differs by that; of what runs things of this kind at all."""
    there = {item.compute.host for item in candidates(kind) if item.compute is not None}
    return f" on {' or '.join(_NAMES[host] for host in hosts if host in there)}" if hosts else ""


def main() -> int:
    text = rendered()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
        print(f"wrote {PAGE.name}")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        print("docs/pairs.md is current")
        return 0
    print("docs/pairs.md is not what the catalogue says: run `python tools/write_pairs.py`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
