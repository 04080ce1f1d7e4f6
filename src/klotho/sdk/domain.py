"""`Domain`: a host name of one's own, and the certificate that proves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from klotho.application import Construct as Model
from klotho.application import Relationship
from klotho.application.validation import HOST
from klotho.diagnostics import Label, Span
from klotho.sdk import readers as read
from klotho.sdk.arguments import Arguments
from klotho.sdk.construct import Adopted, Construct, described
from klotho.sdk.output import OutputAttribute
from klotho.sdk.recording import Recording
from klotho.sdk.stack import Stack
from klotho.sdk.statements import model_of, statement, target_of

EXPOSES = "exposes"
_read_zone = read.matching(r"Z[A-Z0-9]{1,31}", "the id of a hosted zone in Route 53, such as `Z0123456789ABC`")
_read_arn = read.matching(
    r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[A-Za-z0-9-]+", "the ARN of a certificate in ACM"
)


def _read_host(value: Any) -> str:
    plain = read.some_text(value)
    host = plain.lower().removesuffix(".")
    if not HOST.fullmatch(host):
        raise read.Wrong(read.Problem("a host name", read.shown(plain), (_host_help(host),), code="bad-name"))
    return host


def _host_help(host: str) -> str:
    stripped = host.partition("://")[2].partition("/")[0].partition(":")[0] if "://" in host else host.partition("/")[0]
    if stripped != host and HOST.fullmatch(stripped):
        return f'write only the host: `"{stripped}"`'
    if host.startswith("*."):
        return "name the hosts themselves, one Domain each: a wildcard belongs into the certificate"
    return "write it like `shop.example`: labels of letters, digits and `-` with dots between them"


def _attach(domain: Domain, arguments: Arguments) -> None:
    """Put the files into the recorded domain, which may have them already."""
    made = model_of(domain, arguments)
    path = arguments.values.get("path")
    if made is None or path is None:
        return
    key = arguments.values.get("key") or str(PurePosixPath(path).with_suffix(".key"))
    places = {"certificate_file": "path", "key_file": "key" if "key" in arguments.values else "path"}
    given = {"certificate_file": path, "key_file": key}
    _merge(arguments.recording, made, given, lambda name: arguments.name_place(places[name]), arguments.span)


def _merge(recording: Recording, made: Model, given: Mapping[str, Any], place: Any, span: Span | None) -> Model:
    """The recorded domain with these properties too; a property said twice differently is a contradiction."""
    index = next(index for index, item in enumerate(recording.constructs) if item.id == made.id)
    known = recording.constructs[index]
    fresh = {name: value for name, value in given.items() if name not in known.properties}
    for name, value in given.items():
        if name not in fresh and known.properties[name] != value:
            _contradiction(recording, known, _SPOKEN.get(name, name), place(name) or span, known.place(name))
            break  # a certificate and its key are one thing said twice
    former = known.locate

    def locate(name: str, key: str | None) -> Span | None:
        if name in fresh:
            found: Span | None = place(name)
            return found
        return former(name, key) if former is not None else None

    merged = replace(known, properties={**known.properties, **fresh}, locate=locate)
    recording.constructs[index] = merged
    return merged


_SPOKEN = {"certificate_file": "certificate", "key_file": "key"}


def _contradiction(recording: Recording, known: Model, what: str, at: Span | None, before: Span | None) -> None:
    recording.report.error(
        "domain-contradiction",
        f"{known.title} is given two different values of `{what}`",
        at,
        text="the second one",
        also=[Label(before, "the first one")] if before else [],
        helps=["keep one of them: a domain named twice is one domain"],
    )


class Domain(Construct):
    """A host name under which an API or a site is reached; named twice, it is the same domain."""

    KIND = "Domain"

    url = OutputAttribute()
    """`https://shop.example`."""

    @described(name=_read_host, zone=_read_zone, certificate=_read_arn)
    def __init__(
        self,
        name: str,
        *,
        exposes: Construct | None = None,
        zone: str | None = None,
        certificate: str | None = None,
        stack: str | Stack | None = None,
        from_project: bool = False,
        existing: Adopted = None,
    ) -> None:
        """Describe a domain.

        Args:
            name: the host name: `"shop.example"`.
            exposes: the API or the site reached under it. Default: none yet; naming the domain again with it is fine.
            zone: the id of its public hosted zone in Route 53, in which its records are made. Default: looked up at
                deployment if the certificate is to be made; with a certificate of your own no record is made.
            certificate: the ARN of a certificate that is in ACM already. Default: one given by `attach_cert`, else one
                is made and validated by DNS.
            stack: the deployment stack to put it into. Default: Klotho's segmentation.
            from_project: another repository of the project defines it; give only the name. Default: False.
            existing: the domain itself, where API Gateway has it already: only a mapping to the API is made, below
                `Existing(…, path=…)`; or by environment: `{"prod": "…"}`.
        """

    @statement(_attach, None, path=read.path, key=read.path)
    def attach_cert(self, path: str, key: str | None = None) -> None:
        """Use this certificate, imported into ACM when deployed; only its path is written anywhere.

        Args:
            path: a PEM file, relative to the program: the certificate, then those that sign each other up to the root.
            key: the PEM file of its private key, not encrypted. Default: the same name ending in `.key`.
        """

    def _relate(self, arguments: Arguments, raw: Mapping[str, Any]) -> None:
        if "exposes" not in raw:
            return
        target = target_of(arguments, "exposes", raw["exposes"])
        made = self._made
        if made is None or target is None:
            return
        relationships = arguments.recording.relationships
        earlier = [item for item in relationships if item.verb == EXPOSES and item.actor == made.id]
        if any(item.target != target.id for item in earlier):
            here = arguments.place("exposes")
            _contradiction(arguments.recording, made, "exposes", here, earlier[0].span)
        elif not earlier:
            relationships.append(Relationship(EXPOSES, made.id, target.id, {}, arguments.place("exposes")))

    def _recorded(self, arguments: Arguments, model: Model) -> Model:
        known = next((item for item in arguments.recording.constructs if item.id == model.id), None)
        if known is None or "name" in model.unread or model.from_project or model.existing:
            return super()._recorded(arguments, model)
        if model.stack is not None and known.stack is not None and model.stack != known.stack:
            _contradiction(arguments.recording, known, "stack", arguments.place("stack"), known.place("stack"))
        merged = _merge(arguments.recording, model, model.properties, arguments.name_place, arguments.span)
        index = arguments.recording.constructs.index(merged)
        merged = replace(merged, stack=merged.stack or model.stack, unread=merged.unread | model.unread)
        arguments.recording.constructs[index] = merged
        return merged
