"""What `up` says of secrets nobody has set.

Input: a compiled program, the outputs of its stacks, clients. Output: names, and a warning for each at its line.
Reads no value. Refuses nothing: a secret that is not deployed is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from klotho.application import Application, Construct
from klotho.deploy.place import Clients
from klotho.deploy.secret_values import state_of
from klotho.diagnostics import Diagnostic, Report
from klotho.driver.build import Build

KIND = "Secret"


def secrets_not_set(built: Build, outputs: Mapping[str, str], clients: Clients) -> tuple[str, ...]:
    """The names of deployed secrets without a value; `outputs` as `shown_outputs` gives them."""
    arns = arns_of(built.application, outputs)
    return tuple(name for name, arn in sorted(arns.items()) if not state_of(clients, arn).is_set)


def warnings_of(built: Build, names: tuple[str, ...]) -> tuple[Diagnostic, ...]:
    """One warning for each secret nobody has set, at its line."""
    report = Report()
    spans = {item.label: item.span for item in secrets_of(built.application)}
    for name in names:
        report.warning(
            "secret-not-set",
            f"the secret `{name}` has no value yet: reading it fails",
            spans[name],
            helps=[f"run `klotho secret set {name}`"],
        )
    return tuple(report.diagnostics)


def secrets_of(application: Application) -> list[Construct]:
    """The secrets of an application, by name; those that others make, too."""
    found = (item for item in application.constructs if item.kind == KIND)
    return sorted(found, key=lambda item: item.label)


def arns_of(application: Application, outputs: Mapping[str, str]) -> dict[str, str]:
    """The ARNs of deployed secrets by name; an output's title is the id where another construct has the same name."""
    names = Counter(item.label for item in application.constructs)
    titles = {
        item.label: item.label if names[item.label] == 1 else f"{item.kind}/{item.label}"
        for item in secrets_of(application)
    }
    return {name: outputs[f"{title}.arn"] for name, title in titles.items() if f"{title}.arn" in outputs}
