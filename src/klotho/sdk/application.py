"""`klotho.Application`: names the program's application; one per program."""

from __future__ import annotations

from collections.abc import Mapping

from klotho.application.validation import NAME
from klotho.sdk import readers as read
from klotho.sdk.arguments import Arguments
from klotho.sdk.names import Refusing
from klotho.sdk.recording import Heading
from klotho.sdk.statements import OBJECTIVE, REQUIREMENTS, USAGE, record_requirements, statement

_read_name = read.matching(NAME.pattern, "a name that starts with a letter and holds letters, digits, `_`, `-` and `.`")
_read_region = read.matching(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}", "an AWS region such as `eu-central-1`")


def _head(application: Application, arguments: Arguments) -> None:
    values, heading = arguments.values, None
    if "name" in values:
        heading = Heading(
            name=values["name"],
            project=values.get("project", "default"),
            environment=values.get("environment"),
            region=values.get("region"),
            span=arguments.span,
        )
    arguments.recording.add_heading(heading, arguments.span)


class Application(Refusing):
    """The application this program describes. Make it first: everything made later belongs to it."""

    _spoken = "the Application"

    @statement(
        _head, "klotho.Application", name=_read_name, project=_read_name, environment=_read_name, region=_read_region
    )
    def __init__(
        self, name: str, project: str = "default", environment: str | None = None, region: str | None = None
    ) -> None:
        """Name the application.

        Args:
            name: letters, digits, `_`, `-`, `.`, starting with a letter; unique in the project.
            project: what groups the applications of several repositories. Default: `"default"`.
            environment: where it is deployed to when the command line says nothing. Default: `local`.
            region: the AWS region, for example `"eu-central-1"`. Default: the environment's.
        """

    @statement(record_requirements, **REQUIREMENTS, **OBJECTIVE)
    def requires(
        self,
        *,
        availability: float | None = None,
        max_latency_ms: float | None = None,
        max_duration_s: float | None = None,
        max_payload_mb: float | None = None,
        always_on: bool | None = None,
        cold_start: bool | None = None,
        max_monthly_cost: float | None = None,
        data_residency: str | None = None,
        encrypted_in_transit: bool | None = None,
        internet: bool | None = None,
        objective: str | Mapping[str, float] | None = None,
    ) -> None:
        """What must hold for the whole application; units as for a construct's `requires`. Default: nothing.

        `objective`: what is best among what keeps all this: `"cost"` (default), `"latency"`, `"availability"`,
        `"operability"`, or weights: `{"cost": 0.7, "latency": 0.3}`.
        """

    @statement(record_requirements, **USAGE)
    def expects(
        self,
        *,
        requests_per_month: float | tuple[float, float] | None = None,
        average_ms: float | tuple[float, float] | None = None,
        storage_gb: float | tuple[float, float] | None = None,
    ) -> None:
        """How much use to reckon with in all; as a construct's `expects`. Default: nothing is known."""
