"""`klotho.yaml`: which environments there are, and names that win over the program's.

Input: the file's text (missing is fine: every setting has a default). Output: `Settings`. Refuses, each with the
line and the nearest name: unknown keys, wrong types, a target other than `local` or `aws`, an environment without one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from klotho.diagnostics import ExitCode, Failure, Report, Span, did_you_mean, one_of
from klotho.driver.annotated_settings import AnnotatedSettings, read_annotated
from klotho.driver.annotated_types import SECTIONS, TOP
from klotho.driver.construct_settings import ConstructSettings, read_constructs, read_whole
from klotho.driver.guardrail_settings import GuardrailSettings, read_guardrails

FILE_NAME = "klotho.yaml"
DEFAULT_ENVIRONMENT = "local"
DEFAULT_REGION = "us-east-1"

Target = Literal["local", "aws"]

_TOP = ("app", "project", "environments", "constructs", "requires", "expects", "guardrails", "defaults", *SECTIONS)
_LATER = ("stacks",)
_ENVIRONMENT = (
    "target",
    "region",
    "account",
    "profile",
    "role",
    "protect",
    "alarms",
    "per",
    "ttl",
    "constructs",
    "requires",
    "expects",
    "allow",
    "encrypted_in_transit",
    "express",
    "guardrails",
)
_OWNER_LENGTH = 24
"""Of the user's or branch's part of a name: it is part of every stack's name."""
_TTL = re.compile(r"(\d{1,4})\s*([hdw])")
_SECONDS = {"h": 3600, "d": 86_400, "w": 604_800}
_OF_AWS = ("account", "profile", "role", "ttl")
"""Keys that mean nothing on this machine."""
ALLOWABLE = ("exec", "shell", "tunnel", "dev")
"""What a protected environment refuses unless `allow:` names it."""
_ALARMS = ("email",)
_SWITCH = {"on": True, "off": False}
"""Words that YAML 1.2 takes for text."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_PROFILE = re.compile(r"[^\s\[\]]{1,128}")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,128}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


@dataclass(frozen=True, slots=True)
class Environment:
    """One place to deploy to."""

    name: str
    target: Target = "local"
    region: str | None = None
    """None: the program's, else us-east-1."""
    account: str | None = None
    """The only AWS account that may be deployed to; 12 digits."""
    profile: str | None = None
    """The profile of AWS's configuration files to deploy with; None: as AWS's own tools choose."""
    role: str | None = None
    """The ARN of the role to deploy with."""
    allow: tuple[str, ...] = ()
    """What may be done in it although it is protected: `exec`, `shell`, `tunnel`, `dev`. With one of the first three
    its containers can be entered on AWS."""
    protect: bool = False
    """Its data can't be deleted, not even with `--delete-data`."""
    alarms: bool = False
    """Whether alarms watch it; if the file is silent, they do on AWS."""
    alarm_emails: tuple[str, ...] = ()
    """Who is written to when one goes off."""
    encrypted_in_transit: bool = False
    """Whether everything in its network must be encrypted on its way, as `requires(encrypted_in_transit=True)` says."""
    express: bool = False
    """Whether leaf stacks without data are deployed in CloudFormation's express mode. If the file is silent: on AWS,
    where `protect` is false."""
    per: Literal["user", "branch"] | None = None
    """Whose it is: each user, or each branch, has one of its own, named `<name>-<user or branch>`."""
    ttl_seconds: int | None = None
    """How long after its last `up` it may be removed by `klotho env prune`; None: never."""
    constructs: tuple[ConstructSettings, ...] = ()
    """What it says of single constructs; wins over the file's general part."""
    guardrails: GuardrailSettings = field(default_factory=GuardrailSettings)
    """Bundles it answers to, besides those of the whole file."""
    template: str | None = None
    """The name in klotho.yaml, where `name` is that of one user's or branch's."""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole file."""

    app: str | None = None
    """Wins over the program's application name."""
    project: str | None = None
    environments: Mapping[str, Environment] = field(default_factory=dict)
    constructs: tuple[ConstructSettings, ...] = ()
    """What is said of single constructs in every environment."""
    guardrails: GuardrailSettings = field(default_factory=GuardrailSettings)
    """Bundles that every environment answers to."""
    annotated: AnnotatedSettings = field(default_factory=AnnotatedSettings)
    """What is said of annotations by their ids."""

    def environment(self, name: str) -> Environment:
        """The named environment; `local` is always there. Failure (`environment-unknown`, exit 6) for any other.

        `dev-ada` is Ada's where `dev` is `per: user`; for `dev` itself the caller says whose (`personal`)."""
        if name in self.environments:
            return self.environments[name]
        for item in self.environments.values():
            owner = name.removeprefix(f"{item.name}-")
            if item.per and owner not in ("", name):
                return personal(item, owner)
        if name == DEFAULT_ENVIRONMENT:
            return Environment(name)
        known = sorted({*self.environments, DEFAULT_ENVIRONMENT})
        raise Failure(
            "environment-unknown",
            f"there is no environment `{name}`",
            notes=(f"there is {one_of(known)}",),
            helps=(did_you_mean(name, known), f"add `{name}:` under `environments:` in {FILE_NAME}"),
            exit_code=ExitCode.NOT_FOUND,
        )


def personal(environment: Environment, owner: str) -> Environment:
    """The environment of one user or branch."""
    slug = re.sub(r"[^a-z0-9]+", "-", owner.casefold()).strip("-")[:_OWNER_LENGTH].strip("-") or "x"
    return replace(environment, name=f"{environment.name}-{slug}", template=environment.name, per=None)


def read_settings(folder: Path, report: Report) -> Settings:
    """The settings of a program's folder; mistakes go to the report and what is left of the file is used."""
    path = folder / FILE_NAME
    if not path.is_file():
        return Settings()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        report.error("settings-unreadable", f"`{FILE_NAME}` can't be read: {error}", Span(FILE_NAME, 1))
        return Settings()
    return parse_settings(text, report)


def parse_settings(text: str, report: Report) -> Settings:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        data = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        at = Span(FILE_NAME, mark.line + 1, mark.column + 1) if mark else Span(FILE_NAME, 1)
        report.error("settings-unreadable", f"`{FILE_NAME}` is no valid YAML: {error.problem}", at)
        return Settings()
    except (YAMLError, ValueError) as error:
        report.error("settings-unreadable", f"`{FILE_NAME}` is no valid YAML: {error}", Span(FILE_NAME, 1))
        return Settings()
    return _Reader(report).settings(data)


class _Reader:
    """Checks one parsed file."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def settings(self, data: Any) -> Settings:
        if data is None:
            return Settings()
        if not isinstance(data, Mapping):
            self._report.error("settings-shape", f"`{FILE_NAME}` must hold keys such as `app:`", Span(FILE_NAME, 1))
            return Settings()
        self._known(data, "", _TOP, _LATER)
        environments = self._mapping(data, "environments")
        constructs = self._said(data, "")
        return Settings(
            app=self._text(data, "app", "", _NAME.fullmatch, "letters, digits, `-` and `_`, starting with a letter"),
            project=self._text(data, "project", "", _NAME.fullmatch, "letters, digits, `-` and `_`, from a letter"),
            environments={str(name): self._environment(environments, name) for name in environments},
            constructs=tuple(constructs),
            guardrails=read_guardrails(data, "", self._report, _line_of),
            annotated=read_annotated(data, self._report, _line_of),
        )

    def _environment(self, parent: Mapping[Any, Any], name: Any) -> Environment:
        at = _line_of(parent, name)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self._report.error("settings-value", f"`{name}` is no name an environment can have", at)
        data = parent[name]
        if name != DEFAULT_ENVIRONMENT and (data is None or (isinstance(data, Mapping) and "target" not in data)):
            message = f"`environments.{name}` does not say where it is"
            helps = (f"add `target: local` (this machine) or `target: aws` below `{name}:`",)
            self._report.error("settings-target-missing", message, at, helps=helps)
        if data is None:
            return Environment(str(name), span=at)
        if not isinstance(data, Mapping):
            self._report.error("settings-shape", f"`environments.{name}` must hold keys such as `target:`", at)
            return Environment(str(name), span=at)
        where = f"environments.{name}."
        self._known(data, where, _ENVIRONMENT, ())
        protect = self._flag(data, "protect", where, default=False)
        encrypted = self._flag(data, "encrypted_in_transit", where, default=False)
        target = self._target(data, where)
        alarms, emails = self._alarms(data, where, default=target == "aws")
        if name == DEFAULT_ENVIRONMENT and target == "aws":
            message = f"`{where}target` can't be `aws`: `{name}` is this machine, and what runs when nothing is named"
            helps = ("give the environment on AWS another name",)
            self._report.error("settings-value", message, _line_of(data, "target"), helps=helps)
        ttl = self._ttl(data, where)
        if ttl is not None and protect is True:
            message = f"`{where}ttl` would let a protected environment be removed"
            self._report.error("settings-value", message, _line_of(data, "ttl"), helps=("keep one of the two",))
        for key in _OF_AWS if data.get("target", "local") == "local" else ():
            if key in data:
                message = f"`{where}{key}` means nothing for a local environment"
                helps = ("remove it, or add `target: aws`",)
                self._report.error("settings-value", message, _line_of(data, key), helps=helps)
        return Environment(
            name=str(name),
            target=target,
            region=self._text(data, "region", where, _REGION.fullmatch, "an AWS region such as `eu-central-1`"),
            account=self._text(data, "account", where, re.compile(r"\d{12}").fullmatch, "12 digits in quotes"),
            profile=self._text(data, "profile", where, _PROFILE.fullmatch, "the name of a profile, in quotes"),
            role=self._text(data, "role", where, _ROLE.fullmatch, "the ARN of a role, `arn:aws:iam::…:role/…`"),
            allow=self._allow(data, where),
            protect=protect is True,
            alarms=alarms,
            alarm_emails=emails,
            encrypted_in_transit=encrypted is True,
            express=self._flag(data, "express", where, default=target == "aws" and protect is not True),
            per=self._per(data, where),
            ttl_seconds=ttl,
            constructs=tuple(self._said(data, where)),
            guardrails=read_guardrails(data, where, self._report, _line_of),
            span=at,
        )

    def _said(self, data: Mapping[Any, Any], where: str) -> list[ConstructSettings]:
        """Of the whole application, and of single constructs."""
        own = read_constructs(self._mapping(data, "constructs"), f"{where}constructs.", self._report, _line_of)
        return [*read_whole(data, where, self._report, _line_of), *own]

    def _alarms(self, data: Mapping[Any, Any], where: str, *, default: bool) -> tuple[bool, tuple[str, ...]]:
        """`alarms: true` (`on`), `false` (`off`), or `{email: …}` with one address or a list of them."""
        value = data.get("alarms", default)
        value = _SWITCH.get(value, value) if isinstance(value, str) else value
        if isinstance(value, bool):
            return value, ()
        if not isinstance(value, Mapping):
            message = f"`{where}alarms` must be `on`, `off` or hold `email:`"
            self._report.error("settings-value", message, _line_of(data, "alarms"))
            return default, ()
        self._known(value, f"{where}alarms.", _ALARMS, ())
        given = value.get("email")
        emails = given if isinstance(given, list) else [] if given is None else [given]
        for email in emails:
            if not isinstance(email, str) or not _EMAIL.fullmatch(email):
                message = f"`{where}alarms.email` is `{email}`, which is no e-mail address"
                self._report.error("settings-value", message, _line_of(value, "email"))
                return True, ()
        return True, tuple(dict.fromkeys(str(email) for email in emails))

    def _flag(self, data: Mapping[Any, Any], key: str, where: str, *, default: bool) -> bool:
        value = data.get(key, default)
        if isinstance(value, bool):
            return value
        self._report.error("settings-value", f"`{where}{key}` must be `true` or `false`", _line_of(data, key))
        return default

    def _allow(self, data: Mapping[Any, Any], where: str) -> tuple[str, ...]:
        """`allow: [exec, tunnel]`."""
        given = data.get("allow")
        for word in given if isinstance(given, list) else []:
            if word not in ALLOWABLE:
                message = f"`{where}allow` holds `{word}`, which is nothing it can allow"
                helps = (did_you_mean(str(word), ALLOWABLE) or f"there is {one_of(ALLOWABLE)}",)
                self._report.error("settings-value", message, _line_of(data, "allow"), helps=helps)
                return ()
        if given is not None and not isinstance(given, list):
            message = f"`{where}allow` must be a list: `allow: [exec, tunnel]`"
            self._report.error("settings-value", message, _line_of(data, "allow"))
            return ()
        return tuple(str(word) for word in given or ())

    def _per(self, data: Mapping[Any, Any], where: str) -> Literal["user", "branch"] | None:
        value = data.get("per")
        if value in ("user", "branch"):
            return "user" if value == "user" else "branch"
        if value is not None:
            message = f"`{where}per` is `{value}`; it can be `user` or `branch`"
            self._report.error("settings-value", message, _line_of(data, "per"))
        return None

    def _ttl(self, data: Mapping[Any, Any], where: str) -> int | None:
        value = data.get("ttl")
        found = _TTL.fullmatch(value) if isinstance(value, str) else None
        if found is not None and int(found[1]) > 0:
            return int(found[1]) * _SECONDS[found[2]]
        if value is not None:
            message = f"`{where}ttl` must be a time such as `12h`, `3d` or `2w`"
            self._report.error("settings-value", message, _line_of(data, "ttl"))
        return None

    def _target(self, data: Mapping[Any, Any], where: str) -> Target:
        value = data.get("target", "local")
        if value == "aws":
            return "aws"
        if value != "local":
            helps = (did_you_mean(str(value), ("local", "aws")),)
            message = f"`{where}target` is `{value}`; it can be `local` or `aws`"
            self._report.error("settings-value", message, _line_of(data, "target"), helps=helps)
        return "local"

    def _text(
        self, data: Mapping[Any, Any], key: str, where: str, fits: Callable[[str], Any], wanted: str
    ) -> str | None:
        value = data.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not fits(value):
            self._report.error("settings-value", f"`{where}{key}` must be {wanted}", _line_of(data, key))
            return None
        return str(value)

    def _mapping(self, data: Mapping[Any, Any], key: str) -> Mapping[Any, Any]:
        value = data.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self._report.error("settings-shape", f"`{key}` must hold names with settings", _line_of(data, key))
            return {}
        return value

    def _known(self, data: Mapping[Any, Any], where: str, known: tuple[str, ...], later: tuple[str, ...]) -> None:
        for key in data:
            at = _line_of(data, key)
            if key in later:
                self._report.error("settings-not-yet", f"`{where}{key}` in {FILE_NAME} comes with a later release", at)
            elif not where and key in TOP:
                self._report.error("settings-key-unknown", f"`{key}` has no meaning here", at, helps=(TOP[key],))
            elif key not in known:
                helps = (did_you_mean(str(key), known) or f"there is {one_of(known)}",)
                self._report.error("settings-key-unknown", f"`{where}{key}` is no setting", at, helps=helps)


def _line_of(data: Mapping[Any, Any], key: Any) -> Span:
    """Where a key stands; ruamel counts from 0."""
    try:
        line, column = data.lc.key(key)  # type: ignore[attr-defined]
    except (AttributeError, KeyError):
        return Span(FILE_NAME, 1)
    return Span(FILE_NAME, line + 1, column + 1, line + 1, column + 1 + len(str(key)))
