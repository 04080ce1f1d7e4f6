"""`Secret`: a value that is kept outside of the program, such as the key of a payment service."""

from __future__ import annotations

from klotho.sdk.construct import Adopted, Construct, described
from klotho.sdk.output import OutputAttribute
from klotho.sdk.stack import Stack


class Secret(Construct):
    """A secret value; the program only names it, `klotho secret set NAME` gives it its value."""

    KIND = "Secret"

    arn = OutputAttribute()
    """The secret's ARN; the ARN itself is no secret."""
    value = OutputAttribute(secret=True)
    """A secret: fetched by the service at run time, never written into `environment=`."""

    @described()
    def __init__(
        self,
        name: str,
        *,
        stack: str | Stack | None = None,
        from_project: bool = False,
        existing: Adopted = None,
        was: str | None = None,
    ) -> None:
        """Describe a secret. Its value is never part of the program: `klotho secret set NAME` asks for it.

        Args:
            name: how services ask for it: `klotho.config.secrets.get("stripe_key").value`.
            stack: the deployment stack to put it into. Default: Klotho's segmentation.
            from_project: another repository of the project defines it; give only the name. Default: False.
            existing: the ARN of a secret to use as it is, never to change; or by environment: `{"prod": "…"}`.
            was: the name it was deployed under, after a rename: it keeps its data. Default: it was not renamed.
        """
