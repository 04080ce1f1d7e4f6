"""A secret that infra.py names: a Grant in, its value as text or JSON out.

Refuses, by an error that names the command, a secret nobody has set, and `json()` of what is no JSON. The value is
in no repr and in no error.
"""

from __future__ import annotations

from klotho.runtime.errors import AwsError, ConfigError, SecretNotSetError, WrongKindError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from klotho.runtime.grants import Grant


class Secret:
    """One secret; `name` and `kind` as in infra.py, `arn` for an AWS SDK."""

    __slots__ = ("arn", "kind", "name")

    def __init__(self, grant: Grant) -> None:
        if grant.kind != "Secret":
            raise WrongKindError(
                f"secret {grant.name!r} is a {grant.kind or 'thing without a kind'}, which this version of the "
                "runtime does not know; it knows Secret"
            )
        self.name = grant.name
        self.kind = grant.kind
        self.arn = str(grant["secret"])

    def __repr__(self) -> str:
        return f"<Secret {self.name!r}>"

    @property
    def value(self) -> str:
        """The text, fetched when it is not in memory or older than five minutes (KLOTHO_SECRET_TTL_SECONDS).

        Raises SecretNotSetError while nobody has set it, AwsError when it can't be fetched. Ask each time rather than
        once at start: that is what makes a change work without a restart.
        """
        from klotho.runtime.secrets import NO_VALUE, NO_VALUE_TEXT, cache

        try:
            return cache.get(self.arn)
        except AwsError as error:
            if error.code != NO_VALUE or not error.message.startswith(NO_VALUE_TEXT):
                raise
        raise SecretNotSetError(f"the secret {self.name!r} has no value yet: run `klotho secret set {self.name}`")

    def json(self) -> Any:
        """The value of a secret that holds JSON, for instance a dict. Raises ConfigError when it holds none."""
        import json

        text = self.value
        try:
            return json.loads(text)
        except ValueError:
            pass  # answered below, outside of the handler: the JSON error carries the secret's text
        raise ConfigError(f"the secret {self.name!r} is not JSON: use .value for its text")

    def refresh(self) -> None:
        """Forget the value, for instance after it was refused; the next use fetches it again."""
        from klotho.runtime.secrets import cache

        cache.forget(self.arn)
