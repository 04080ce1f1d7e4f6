"""What `klotho eject` wrote deploys with the AWS CLI alone, and answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import make_chain
from tests.examples.deployment import EXAMPLES
from tests.localcloud import aws_account

pytestmark = [pytest.mark.gates, pytest.mark.localcloud, pytest.mark.timeout(600)]

TOOLS = Path(__file__).parents[3] / ".venv-exports" / "bin"
PROGRAM = EXAMPLES / "guestbook"
MORE = """
from klotho import Databases, Secret

stripe_key = Secret("stripe_key")
book.uses(stripe_key)
ledger = Databases.Postgres("ledger")
book.read_writes_to(ledger)
"""
"""Everything that has a secret: one that people set, and logins that are generated."""
CANARY = "canary-4f1c7e"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[aws_account.Account]:
    with aws_account.account(tmp_path_factory.mktemp("eject")) as running:
        shutil.copytree(PROGRAM, running.folder, dirs_exist_ok=True)
        hidden = {name: f"KEY={CANARY}\n" for name in (".env", "functions/.env", "certs/key.pem", "web/.env")}
        program = (PROGRAM / "infra.py").read_text() + MORE
        running.write({"klotho.yaml": aws_account.settings(), "infra.py": program, **hidden})
        yield running


def run(account: aws_account.Account, script: str, folder: str = "ejected/cloudformation") -> str:
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", str(account.folder / folder / script)],
        env={**account.variables, "PATH": path, "AWS_REGION": aws_account.REGION},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_deploy_sh_deploys_an_example_with_the_aws_cli_and_it_answers(account: aws_account.Account) -> None:
    told = account.json("eject", "--env", "prod")
    assert told["folder"].endswith("ejected/cloudformation")
    said = run(account, "deploy.sh")
    outputs = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    body = json.dumps({"text": "hello without Klotho"}).encode()
    asked = urllib.request.Request(f"{outputs['api.url']}/entries", body, {"content-type": "application/json"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        assert json.loads(answer.read())[0]["text"] == "hello without Klotho"
    with urllib.request.urlopen(outputs["web.url"], timeout=60) as page:
        assert b"klotho-config.js" in page.read()
    with urllib.request.urlopen(f"{outputs['web.url']}/klotho-config.js", timeout=60) as script:
        assert outputs["api.url"].encode() in script.read()


def test_running_it_again_changes_nothing(account: aws_account.Account) -> None:
    before = account.stacks()
    run(account, "deploy.sh")
    assert account.stacks() == before


def test_klotho_goes_on_reading_what_the_script_deployed(account: aws_account.Account) -> None:
    found = account.json("status", "--env", "prod")
    assert {stack["name"] for stack in found["stacks"]} >= {"api-api", "book-function", "entries-keyvalue", "web-site"}
    assert {stack["status"] for stack in found["stacks"]} == {"CREATE_COMPLETE"}
    assert account.json("outputs", "--env", "prod")["outputs"]["api.url"].startswith("http")


def test_import_files_name_what_is_deployed(account: aws_account.Account) -> None:
    told = account.json("eject", "--env", "prod", "--iac", "terraform", "--out", "tf")
    templates = (account.folder / "ejected" / "cloudformation" / "templates").glob("*.json")
    resources = {name for file in templates for name in json.loads(file.read_text())["Resources"]}
    invoked = told["invoked"]
    assert len(invoked) == 1 and told["not_imported"] == []  # the login role of `book`
    assert told["imported"] == len(resources) - len(invoked)
    blocks = (account.folder / "tf" / "terraform" / "imports.tf").read_text()
    (table,) = account.client("dynamodb").list_tables()["TableNames"]
    assert f'to = module.entries_keyvalue.awscc_dynamodb_table.entries_table\n  id = "{table}"' in blocks
    (api,) = physical(account, "api-api", "AWS::ApiGatewayV2::Api")
    routes = physical(account, "book-function", "AWS::ApiGatewayV2::Route")
    assert len(routes) == 4
    assert all(f'id = "{api}|{route}"' in blocks for route in routes)


def physical(account: aws_account.Account, stack: str, type_name: str) -> list[str]:
    found = account.client("cloudformation").list_stack_resources(StackName=f"default--guestbook--prod--{stack}")
    return [item["PhysicalResourceId"] for item in found["StackResourceSummaries"] if item["ResourceType"] == type_name]


def test_pulumi_s_import_files_have_the_names_of_its_programs(account: aws_account.Account) -> None:
    told = account.json("eject", "--env", "prod", "--iac", "pulumi", "--out", "pulumi-export")
    folder = account.folder / "pulumi-export" / "pulumi"
    found = [item for file in folder.glob("*/import.json") for item in json.loads(file.read_text())["resources"]]
    assert len(found) == told["imported"] > 15
    program = (folder / "entries-keyvalue" / "__main__.py").read_text()
    (table,) = [item for item in found if item["type"] == "aws-native:dynamodb:Table"]
    assert table["id"] and f'"{table["name"]}",' in program


def test_no_export_has_the_value_of_a_secret(account: aws_account.Account) -> None:
    """Those of everything deployed, among them one that somebody has set."""
    assert account.klotho("secret", "set", "stripe_key", "--env", "prod", stdin=CANARY).returncode == 0
    kept = account.client("secretsmanager")
    values = [kept.get_secret_value(SecretId=item["ARN"])["SecretString"] for item in kept.list_secrets()["SecretList"]]
    secret = {CANARY.encode()}
    for value in values:
        secret |= (
            {part.encode() for name, part in json.loads(value).items() if name == "password"}
            if value[0] == "{"
            else {value.encode()}
        )
    assert len(secret) > 2  # what is set, the database's own login and that of `book`
    for number, words in enumerate(TARGETS):
        account.json("eject", "--env", "prod", *words, "--out", f"canary/{number}")
    files = [path for path in (account.folder / "canary").rglob("*") if path.is_file()]
    assert len([path for path in files if path.suffix == ".zip"]) > len(TARGETS)
    for path in files:
        for name, content in contents(path):
            assert not [one for one in secret if one in content], name


TARGETS = (
    ("--iac", "cloudformation"),
    ("--iac", "pulumi"),
    ("--iac", "pulumi", "--language", "typescript", "--single"),
    ("--iac", "terraform", "--backend", "s3"),
)


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """A file, or what is inside of a zip."""
    if path.suffix != ".zip":
        yield str(path), path.read_bytes()
        return
    with zipfile.ZipFile(path) as packed:
        for name in packed.namelist():
            yield f"{path}/{name}", packed.read(name)


LEAVER = """
import klotho
from klotho import API, Compute, Domain, Site

klotho.Application("leaver")
old = Site("old", existing="{distribution}")
unit = Compute.Function("unit", handler="work.handler", environment={{"FRONT": old.url}})
api = API("api")
api.attach_service(unit, route="/")
Domain(name="shop.example", exposes=api).attach_cert("./certs/shop_example.crt")
Domain(name="made.example", exposes=api)
Domain(name="www.made.example", exposes=Site("web", directory="web"))
"""
CHAIN = make_chain("shop.example")
FILES = {
    "work.py": "def handler(event, context):\n    return {}\n",
    "web/index.html": "<h1>hello</h1>",
    "certs/shop_example.crt": CHAIN.certificates,
    "certs/shop_example.key": CHAIN.key,
}


def test_prepare_sh_makes_what_stacks_are_given_from_outside(account: aws_account.Account) -> None:
    """Zips, zones, certificates of one's own and of ACM's, and what is there already. Images want Docker: not here."""
    (distribution,) = physical(account, "web-site", "AWS::CloudFront::Distribution")
    found = account.client("cloudcontrol").get_resource(
        TypeName="AWS::CloudFront::Distribution", Identifier=distribution
    )
    domain = json.loads(found["ResourceDescription"]["Properties"])["DomainName"]
    zone = account.client("route53").list_hosted_zones_by_name(DNSName="made.example")["HostedZones"][0]["Id"]
    program = LEAVER.format(distribution=distribution)
    account.write({f"leaver/{name}": text for name, text in {"infra.py": program, **FILES}.items()})
    account.write({"leaver/klotho.yaml": aws_account.settings()})
    account.json("eject", "leaver", "--env", "prod")
    script = "leaver/ejected/cloudformation/prepare.sh"
    (account.folder / "leaver/ejected/cloudformation/all.sh").write_text(ALL)
    found = prepared(account, "leaver/ejected/cloudformation")
    made = {name: value for name, value in found.items() if f"\n{name}=" in (account.folder / script).read_text()}
    assert zone.rpartition("/")[2] in made.values()
    assert domain in made.values()
    bucket = found["ARTIFACT_BUCKET"]
    (key,) = [value for value in made.values() if value.startswith("functions/")]
    packed = account.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert packed == (account.folder / "leaver/ejected/cloudformation/assets/unit.zip").read_bytes()
    certificates = {described(account, value) for value in made.values() if value.startswith("arn:aws:acm:")}
    assert certificates >= {("IMPORTED", "shop.example", "ISSUED"), ("AMAZON_ISSUED", "www.made.example", "ISSUED")}
    again = prepared(account, "leaver/ejected/cloudformation")
    assert {name: again[name] for name in made} == made  # nothing is made twice


def prepared(account: aws_account.Account, folder: str) -> dict[str, str]:
    """The variables the script sets."""
    said = run(account, "all.sh", folder)
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


ALL = """set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ./prepare.sh > /dev/null
set -o posix
set
"""


def described(account: aws_account.Account, arn: str) -> tuple[str, str, str]:
    import boto3

    connection = account.connection
    client = boto3.client(
        "acm", region_name=arn.split(":")[3], endpoint_url=connection.endpoint_url,
        aws_access_key_id=connection.access_key, aws_secret_access_key=connection.secret_key,
    )  # fmt: skip
    found = client.describe_certificate(CertificateArn=arn)["Certificate"]
    return found["Type"], found["DomainName"], found["Status"]


def test_let_go_sh_deletes_the_stacks_and_nothing_that_was_in_them(account: aws_account.Account) -> None:
    """The last of this module: what the new tool has imported answers as before, with its data."""
    account.json("eject", "--env", "prod", "--iac", "terraform", "--out", "leaving")
    outputs = account.json("outputs", "--env", "prod")["outputs"]
    (table,) = account.client("dynamodb").list_tables()["TableNames"]
    account.client("cloudformation").update_termination_protection(
        StackName="default--guestbook--prod--entries-keyvalue", EnableTerminationProtection=True
    )
    before = inventory(account)
    run(account, "let-go.sh", "leaving/terraform")
    assert [name for name in account.stacks() if name.startswith("default--guestbook--prod--")] == []
    assert inventory(account) == before
    assert len(account.client("dynamodb").scan(TableName=table)["Items"]) == 1
    with urllib.request.urlopen(f"{outputs['api.url']}/entries", timeout=60) as answer:
        assert [entry["text"] for entry in json.loads(answer.read())] == ["hello without Klotho"]
    with urllib.request.urlopen(outputs["web.url"], timeout=60) as page:
        assert b"klotho-config.js" in page.read()
    run(account, "let-go.sh", "leaving/terraform")  # there is nothing left to do


def inventory(account: aws_account.Account) -> dict[str, list[str]]:
    """What there is of a few kinds, by name."""
    functions = account.client("lambda").list_functions()["Functions"]
    return {
        "tables": account.client("dynamodb").list_tables()["TableNames"],
        "functions": sorted(item["FunctionName"] for item in functions),
        "buckets": sorted(item["Name"] for item in account.client("s3").list_buckets()["Buckets"]),
        "secrets": sorted(item["ARN"] for item in account.client("secretsmanager").list_secrets()["SecretList"]),
    }
