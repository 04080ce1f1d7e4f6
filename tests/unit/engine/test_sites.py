"""What a `Site` becomes, and what is said of one that makes no sense."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from klotho.application import Application, Construct
from klotho.application.files import ProgramFiles
from klotho.catalogue.kinds.site import serve_names
from klotho.diagnostics import Diagnostic, ProgramError, Report, Severity
from klotho.emit import Bundle, render
from klotho.engine import resolve
from klotho.resources import SetProperty
from klotho.stacks import OutputSource, manifest_from_json, manifest_to_json

HEAD = 'import klotho\nfrom klotho import API, Compute, Databases, Site\n\nklotho.Application("shop", project="acme")\n'
PAGES = {
    "web/index.html": "<h1>hi</h1>",
    "web/404.html": "gone",
    "hello.py": "def handler(event, context):\n    return 1\n",
}
RunProgram = Callable[..., tuple[Application | None, Report]]


@pytest.fixture
def built(run_program: RunProgram, tmp_path: Path) -> Callable[..., Bundle]:
    def build(text: str, **files: str) -> Bundle:
        application, report = run_program(HEAD + text, {**PAGES, **files})
        assert application is not None and not report.errors, report.errors
        resolution = resolve(application, environment="local", files=ProgramFiles(tmp_path), report=report)
        return render(resolution.graph, resolution.setting, region="eu-west-1")

    return build


@pytest.fixture
def mistakes(run_program: RunProgram, tmp_path: Path) -> Callable[[str], list[Diagnostic]]:
    def find(text: str) -> list[Diagnostic]:
        application, report = run_program(HEAD + text, PAGES)
        if application is not None and not report.errors:
            with pytest.raises(ProgramError):
                resolve(application, environment="local", files=ProgramFiles(tmp_path), report=report)
        return [item for item in report.diagnostics if item.severity is Severity.ERROR]

    return find


def resources(bundle: Bundle, stack: str = "web-site") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bundle.files[f"cloudformation/{stack}.template.json"])["Resources"]
    return found


def config(bundle: Bundle) -> dict[str, Any]:
    found: dict[str, Any] = resources(bundle)["WebDistribution"]["Properties"]["DistributionConfig"]
    return found


def test_only_the_distribution_reads_the_files_and_only_over_tls(built: Callable[..., Bundle]) -> None:
    made = resources(built('Site("web")\n'))
    bucket = made["WebSiteFiles"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    deny, *allows = made["WebSitePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert [(item["Action"], item["Principal"]) for item in allows] == [
        ("s3:GetObject", {"Service": "cloudfront.amazonaws.com"}),
        ("s3:ListBucket", {"Service": "cloudfront.amazonaws.com"}),
    ]
    for item in allows:
        assert "distribution/${WebDistribution}" in item["Condition"]["StringEquals"]["AWS:SourceArn"]["Fn::Sub"]


def test_the_files_are_no_data_that_would_be_kept(built: Callable[..., Bundle]) -> None:
    """They are made again from the program's folder: removing a site must not be refused as a loss."""
    bundle = built('Site("web")\n')
    assert "DeletionPolicy" not in resources(bundle)["WebSiteFiles"]
    assert not bundle.manifest.stack("web-site").stateful


def test_a_single_page_application_is_served_by_a_function_not_by_error_pages(built: Callable[..., Bundle]) -> None:
    bundle = built('Site("web", spa=True)\n')
    assert "split('/').pop().includes('.')" in resources(bundle)["WebSitePaths"]["Properties"]["FunctionCode"]
    assert "CustomErrorResponses" not in config(bundle)


def test_an_error_page_keeps_the_status(built: Callable[..., Bundle]) -> None:
    (response,) = config(built('Site("web", error="404.html")\n'))["CustomErrorResponses"]
    assert response == {"ErrorCode": 404, "ResponseCode": 404, "ResponsePagePath": "/404.html"}


def test_the_security_headers_may_be_changed_where_a_site_must(built: Callable[..., Bundle]) -> None:
    def policy(bundle: Bundle) -> Any:
        headers = resources(bundle)["WebSiteHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]
        return headers["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]

    assert policy(built('Site("web")\n')) == "base-uri 'self'; frame-ancestors 'none'; object-src 'none'"
    assert policy(built('Site("web", csp="default-src \'self\'")\n')) == "default-src 'self'"


def test_a_site_and_the_api_its_pages_call_may_name_each_other(built: Callable[..., Bundle]) -> None:
    """The API allows the site's origin, the site is told the API's address: no circle, because files come last."""
    bundle = built(
        'site = Site("web", environment={"API_URL": "x"})\napi = API("api", cors=[site.url])\n'
        'Site("other", environment={"API_URL": api.url})\n'
    )
    (other,) = [site for site in bundle.manifest.sites if site.construct == "Site/other"]
    assert other.configuration == {"API_URL": (OutputSource("api-api", "ApiAPIUrl"),)}
    assert other.sources == {"api-api", "other-site"}
    assert bundle.manifest.stack("other-site").depends_on == ()
    (origin,) = resources(bundle, "api-api")["ApiApi"]["Properties"]["CorsConfiguration"]["AllowOrigins"]
    assert origin == {"Fn::Sub": "https://${WebDistributionDomainName}"}


def test_values_are_pieces_of_text(built: Callable[..., Bundle]) -> None:
    bundle = built('api = API("api")\nSite("web", environment={"A": f"{api.url}/v1", "B": True, "C": 3})\n')
    (site,) = bundle.manifest.sites
    assert site.configuration == {"A": (OutputSource("api-api", "ApiAPIUrl"), "/v1"), "B": ("true",), "C": ("3",)}


def test_the_manifest_holds_the_sites(built: Callable[..., Bundle]) -> None:
    manifest = built('api = API("api")\nSite("web", environment={"A": api.url})\n').manifest
    assert manifest_from_json(json.loads(json.dumps(manifest_to_json(manifest)))) == manifest


def test_a_changed_value_changes_no_stack(built: Callable[..., Bundle]) -> None:
    one, other = built('Site("web", environment={"A": "1"})\n'), built('Site("web", environment={"A": "2"})\n')
    assert one.manifest.stacks == other.manifest.stacks


def test_a_folder_that_a_command_makes_need_not_be_there(built: Callable[..., Bundle]) -> None:
    (site,) = built('Site("web", directory="web/dist", build="npm run build")\n').manifest.sites
    assert (site.properties["root"], site.properties["build"]) == ("web", ["npm", "run", "build"])


def test_names_at_cloudfront_hold_the_region(built: Callable[..., Bundle]) -> None:
    """CloudFront has no regions: an environment in two of them would have every name twice."""
    resources = json.loads(built('Site("web")\n').files["cloudformation/web-site.template.json"])["Resources"]
    named = {item["Type"].rpartition("::")[2]: item["Properties"] for item in resources.values()}
    names = [
        named["Function"]["Name"],
        named["OriginAccessControl"]["OriginAccessControlConfig"]["Name"],
        named["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]["Name"],
    ]
    assert len({str(name) for name in names}) == 1
    text = names[0]["Fn::Sub"]
    assert text.endswith("-${AWS::Region}") and len(text.replace("${AWS::Region}", "ap-southeast-99")) <= 64


def test_names_of_ones_own_come_with_a_certificate_and_todays_tls() -> None:
    aliases, certificate = serve_names(
        Construct("Site", "web"), ["shop.example"], "arn:aws:acm:us-east-1:1:certificate/a"
    )
    assert isinstance(aliases, SetProperty) and isinstance(certificate, SetProperty)
    assert aliases.value == ["shop.example"]
    assert certificate.value["MinimumProtocolVersion"] == "TLSv1.2_2021"


@pytest.mark.parametrize(
    ("program", "code", "says"),
    [
        ('Site("web", directory="wbe")\n', "missing-site-folder", "did you mean `web`?"),
        ('Site("web", directory=".")\n', "site-holds-program", "a folder of their own"),
        ('Site("web", directory="../..")\n', "outside-repository", ""),
        ('Site("web", index="home.html")\n', "missing-page", "index.html"),
        ('Site("web", error="404.htm")\n', "missing-page", "did you mean `404.html`?"),
        ('Site("web", directory="dist", root="wbe", build="make")\n', "missing-site-folder", "did you mean `web`?"),
        ('Site("web", spa=True, error="404.html")\n', "conflicting-arguments", "leave one of the two out"),
        ('Site("web", root="web")\n', "conflicting-arguments", "build"),
        ('Site("web", build="npm ci && npm run build")\n', "wrong-argument", "no shell runs it"),
        ('Site("web", build="echo \'")\n', "wrong-argument", ""),
        ('Site("web", index="a/b.html")\n', "wrong-argument", ""),
        ('Site("web", environment={"P": Databases.Postgres("db").password})\n', "secret-in-environment", ""),
        ('Site("web", existing="E123")\n', "bad-existing", ""),
        (
            'f = Compute.Container("f", image="nginx")\nSite("web", environment={"F": f.url})\n',
            "unreachable-from-browser",
            "attach the service to an API",
        ),
        (
            'site = Site("web", environment={"A": "1"})\n'
            'f = Compute.Function("f", handler="hello.handler", environment={"A": site.urll})\n',
            "unknown-attribute",
            "url",
        ),
    ],
)
def test_mistakes_are_named_with_what_helps(
    mistakes: Callable[[str], list[Diagnostic]], program: str, code: str, says: str
) -> None:
    found = {item.code: item for item in mistakes(program)}
    assert code in found, found
    assert any(says in line for line in found[code].helps) or not says


def test_only_a_sites_address_is_an_origin(mistakes: Callable[[str], list[Diagnostic]]) -> None:
    (found,) = mistakes('site = Site("web")\nAPI("api", cors=[site.bucket])\n')
    assert found.code == "wrong-argument" and "origin" in found.message
