"""Guardrails where something is deployed: what a rule sets is what AWS has, and the project's store is asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localcloud.aws_account import Account, account, settings

pytestmark = pytest.mark.localcloud

PROGRAM = """
import klotho
from klotho import Storage

klotho.Application("shop", project="acme")
files = Storage.Bucket(name="files")
"""
BUNDLE = """[bundle]
name = "acme-platform"
version = "1.0.0"
owner = "platform@acme.example"

[[rule]]
id = "versions"
message = "buckets keep what is overwritten"
fix = "leave it out"
[rule.resources]
type = "AWS::S3::Bucket"
enforce = { "VersioningConfiguration.Status" = "Enabled" }
"""
DENY = """
[[rule]]
id = "no-queues"
message = "no queues"
fix = "do without"
[rule.constructs]
kind = "Messaging.Queue"
forbidden = true
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with account(tmp_path_factory.mktemp("aws")) as found:
        named = settings().rstrip() + "\nguardrails: [./rules]\n"
        found.write({"klotho.yaml": named, "infra.py": PROGRAM, "rules/bundle.toml": BUNDLE})
        yield found


def test_an_enforced_value_is_deployed_pinned_and_a_broken_rule_changes_nothing(aws: Account) -> None:
    aws.json("up", "--env", "prod", "--yes")
    storage = aws.client("s3")
    (name,) = (item["Name"] for item in storage.list_buckets()["Buckets"] if "files" in item["Name"])
    assert storage.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert 'bundle = "acme-platform"' in (aws.folder / "klotho.lock").read_text()
    aws.write({"rules/bundle.toml": BUNDLE + DENY})
    assert aws.klotho("upgrade", "--env", "prod").returncode == 0
    aws.write({"infra.py": PROGRAM + 'klotho.Messaging.Queue(name="jobs")\n'})
    for command in (["preview"], ["up", "--yes"]):
        done = aws.klotho(*command, "--env", "prod")
        assert (done.returncode, "acme-platform/no-queues" in done.stderr) == (5, True), done.stderr
    assert aws.client("sqs").list_queues().get("QueueUrls", []) == []
    aws.write({"infra.py": PROGRAM})


def test_what_is_published_in_the_account_is_demanded_and_read_from_there(aws: Account) -> None:
    aws.write({"klotho.yaml": settings()})
    assert aws.klotho("guardrails", "publish", "rules", "--env", "prod").returncode == 0
    for command in (["preview"], ["up", "--yes"], ["check", "--project"]):
        done = aws.klotho(*command, "--env", "prod")
        assert (done.returncode, "error[guardrail-dropped]" in done.stderr) == (5, True), done.stderr
    aws.write({"klotho.yaml": settings().rstrip() + "\nguardrails: [{store: acme-platform}]\n"})
    aws.json("up", "--env", "prod", "--yes")
    assert '[guardrails."store:acme-platform"]' in (aws.folder / "klotho.lock").read_text()


NO_TOPICS = """
[[rule]]
id = "no-topics"
message = "no topics"
fix = "do without"
[rule.constructs]
kind = "Messaging.Topic"
forbidden = true

[[rule]]
id = "named-topics"
message = "topics have a name for people"
fix = "say it"
[rule.resources]
type = "AWS::SNS::Topic"
must = [{ property = "DisplayName", present = true }]
"""
EXCEPTION = """
[[exception]]
rule = "RULE"
applications = "shop"
reason = "the old release has to run for a day"
approver = "Ada Byron"
until = 2999-12-31
"""


def test_a_rollback_is_judged_by_the_rules_of_today_also_without_the_program(aws: Account) -> None:
    aws.write({"infra.py": PROGRAM + 'klotho.Messaging.Topic(name="news")\n'})
    aws.json("up", "--env", "prod", "--yes")
    kept = aws.json("history", "--env", "prod")["revisions"][0]["number"]
    aws.write({"infra.py": PROGRAM})
    aws.json("up", "--env", "prod", "--yes")
    back = ("rollback", str(kept), "--env", "prod", "--yes", "--app", "shop", "--project", "acme")

    def published(rules: str) -> None:
        aws.write({"infra.py": PROGRAM, "rules/bundle.toml": (BUNDLE + rules).replace("1.0.0", "1.1.0")})
        assert aws.klotho("guardrails", "publish", "rules", "--env", "prod").returncode == 0

    published(NO_TOPICS)
    aws.write({"infra.py": "this is no program"})
    done = aws.klotho(*back)
    assert done.returncode == 5, done.stderr
    assert 'Messaging.Topic "news" breaks `acme-platform/no-topics`' in done.stderr
    assert f"revision {kept} has it from infra.py:7 as it was then" in done.stderr
    assert "breaks `acme-platform/named-topics`" in done.stderr, "what is only in its templates is judged, too"
    assert aws.client("sns").list_topics()["Topics"] == []
    published(NO_TOPICS + EXCEPTION.replace("RULE", "no-topics") + EXCEPTION.replace("RULE", "named-topics"))
    aws.write({"infra.py": "this is no program"})
    done = aws.klotho(*back)
    assert done.returncode == 0, done.stderr
    assert "Ada Byron agreed to it" in done.stderr
    assert any("NewsTopic" in item["TopicArn"] for item in aws.client("sns").list_topics()["Topics"])
