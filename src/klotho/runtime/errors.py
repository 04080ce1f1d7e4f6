"""Errors of the runtime SDK. Every message says what to do; none of them ever carries a secret's value."""

from __future__ import annotations


class ConfigError(Exception):
    """Something about this service's configuration is wrong; base of all errors raised by `klotho.config`."""


class UnknownNameError(ConfigError, LookupError):
    """A name this service was not granted; the text lists what it was granted and how to grant more."""


class NotUnderKlothoError(UnknownNameError):
    """No variable of Klotho is set: the program was started outside of a Klotho environment."""


class WrongKindError(ConfigError, TypeError):
    """The name exists but is of another kind, or lacks what was asked of it."""


class SecretNotSetError(ConfigError):
    """A secret exists and has no value: nobody has run `klotho secret set` yet."""


class CallerNotVouchedError(ConfigError):
    """Who called can't be known: others than the API that checks tokens can reach this service."""


class CredentialsError(ConfigError):
    """No AWS credentials could be found or refreshed."""


class AwsError(Exception):
    """An AWS API answered with an error, or could not be reached.

    `code` is AWS's error code (`AccessDeniedException`, …), or `ConnectionError` when no answer came;
    `status` is the HTTP status, 0 when no answer came; `request_id` is AWS's, empty if unknown.
    """

    def __init__(self, service: str, code: str, message: str, status: int = 0, request_id: str = "") -> None:
        super().__init__(f"{service}: {code}: {message}")
        self.service = service
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id

    def __reduce__(self) -> tuple[type[AwsError], tuple[str, str, str, int, str]]:
        # Exceptions pickle with `args` (the text); process pools would otherwise fail to rebuild this one.
        return type(self), (self.service, self.code, self.message, self.status, self.request_id)


class ConditionFailedError(AwsError):
    """The condition of a `put`, `update` or `delete` did not hold; nothing was written."""


class ServiceError(Exception):
    """The function that was invoked ran and failed.

    `service` is its name, `type` the error's class in that function, `message` its text, `trace` its stack as
    lines.
    """

    def __init__(self, service: str, type: str, message: str, trace: tuple[str, ...] = ()) -> None:
        super().__init__(f"{service} failed: {type}: {message}")
        self.service = service
        self.type = type
        self.message = message
        self.trace = trace

    def __reduce__(self) -> tuple[type[ServiceError], tuple[str, str, str, tuple[str, ...]]]:
        return type(self), (self.service, self.type, self.message, self.trace)
