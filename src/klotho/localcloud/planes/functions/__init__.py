"""The functions plane: Lambda functions in real workers through the Lambda Runtime API."""

from klotho.localcloud.planes.functions.model import FunctionSpec, Invocation
from klotho.localcloud.planes.functions.plane import Functions

__all__ = ["FunctionSpec", "Functions", "Invocation"]
