"""Values of other applications of the project: outputs of their stacks as they are now.

Input: sources. Output: their values; each stack is read once. Refuses (`Failure`, `owner-not-up`) a stack or an output
that is not there: the owner has to be deployed first.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from klotho.deploy.stacks import StackCalls
from klotho.diagnostics import ExitCode, Failure
from klotho.stacks import ForeignSource, Manifest


class ForeignValues:
    """Of one run. Safe to use from several threads."""

    def __init__(self, calls: StackCalls) -> None:
        self._calls = calls
        self._outputs: dict[str, Mapping[str, str]] = {}
        self._lock = threading.Lock()

    def read(self, manifest: Manifest) -> None:
        """Every value a manifest takes, so that nothing is begun if one is not there."""
        for stack in manifest.stacks:
            for source in stack.parameters.values():
                if isinstance(source, ForeignSource):
                    self.value(source)

    def value(self, source: ForeignSource) -> str:
        with self._lock:
            if source.stack_name not in self._outputs:
                found = self._calls.find(source.stack_name)
                self._outputs[source.stack_name] = {} if found is None else found.outputs
            outputs = self._outputs[source.stack_name]
        if source.output not in outputs:
            raise Failure(
                "owner-not-up",
                f"`{source.application}` is not deployed as it was published: {source.output} is needed of it",
                notes=(f"stack {source.stack_name} {'has no such output' if outputs else 'is not there'}",),
                helps=(f"run `klotho up` where `{source.application}` is, then here",),
                exit_code=ExitCode.RESOURCE_FAILED,
            )
        return outputs[source.output]
