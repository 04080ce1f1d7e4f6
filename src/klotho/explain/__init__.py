"""Why everything of a compiled program is there: from a resource or property back to the user's lines and the rules.

`Explainer` takes a compiled program and a topic, and gives an `Explanation`: a value that holds all three depths; the
command line decides how much of it is shown. Reads what the engine wrote down (origins, decisions, choices) and works
nothing out anew. No network, no clock.
"""

from klotho.explain.lookup import AmbiguousTopicError
from klotho.explain.model import Alternative, Explanation, Fact, Grant, Line, Step, Why
from klotho.explain.pages import Explainer
from klotho.explain.program import Compiled

__all__ = [
    "Alternative",
    "AmbiguousTopicError",
    "Compiled",
    "Explainer",
    "Explanation",
    "Fact",
    "Grant",
    "Line",
    "Step",
    "Why",
]
