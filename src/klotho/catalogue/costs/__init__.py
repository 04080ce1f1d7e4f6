"""What resources cost in a month: a pure function of a resource graph, the declared usage and a table of prices."""

from klotho.catalogue.costs.estimate import Estimate, estimate
from klotho.catalogue.costs.model import Line, Range, Unpriced
from klotho.catalogue.costs.usage import Assumption, Usage, Usages

__all__ = ["Assumption", "Estimate", "Line", "Range", "Unpriced", "Usage", "Usages", "estimate"]
