"""Containers that run on Lambda: the same image, the same code, the same callers."""

from __future__ import annotations

import pytest

from tests.localcloud.pairs.harness import Deployed

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
Network(egress="endpoints")
notes = Databases.KeyValue("notes")
web, other = container("web"), container("other")
for boxed in (web, other):
    boxed.use("lambda-container")
steady, stranger = container("steady"), container("stranger")
caller = function("caller")
web.read_writes_to(notes)
web.calls(steady)
web.calls(other)
web.calls(caller)
for who in (steady, caller):
    who.calls(web)
inside = API("inside", public=False)
inside.attach_service(other, route="/inside")
caller.calls(inside)
"""
FETCH = """
import urllib.request
url = config.services.get("{service}").url + "/hello%20you?a=1&b=%2F"
asked = urllib.request.Request(url, headers={{"Cookie": "a=b"}})
try:
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return json.load(answer)
except urllib.error.HTTPError as error:
    raise RuntimeError(error.read().decode()) from error
"""


def test_a_container_on_lambda_is_a_function_with_its_own_role_and_answers_the_api(deployed: Deployed) -> None:
    (found,) = [
        item
        for item in deployed.resources("AWS::Lambda::Function")
        if item.get("Environment", {}).get("Variables", {}).get("KLOTHO_UNIT") == "web"
    ]
    assert found["PackageType"] == "Image"
    assert found["Environment"]["Variables"]["AWS_LWA_READINESS_CHECK_PROTOCOL"] == "tcp"
    assert deployed.run("web", "return os.environ['AWS_LAMBDA_FUNCTION_NAME']")
    assert deployed.door.get("/web/a%20b?c=d").json == {"name": "web", "path": "/web/a%20b?c=d"}


@pytest.mark.parametrize("unit", ["steady", "caller"])
def test_a_plain_http_client_calls_it_through_the_sdks_address_and_a_stranger_may_not(
    deployed: Deployed, unit: str
) -> None:
    assert deployed.run(unit, FETCH.format(service="web")) == {"name": "web", "path": "/hello%20you?a=1&b=%2F"}
    arn = deployed.run(unit, "return json.loads(os.environ['KLOTHO_SERVICE_WEB'])['web']")
    with pytest.raises(Exception, match="not authorized to perform: lambda:InvokeFunction"):
        deployed.client("lambda", "stranger").invoke(FunctionName=arn)


@pytest.mark.parametrize("service", ["steady", "other"])
def test_it_calls_containers_wherever_they_run(deployed: Deployed, service: str) -> None:
    assert deployed.run("web", FETCH.format(service=service))["name"] == service


def test_it_invokes_functions_and_uses_what_it_was_granted(deployed: Deployed) -> None:
    deployed.run("web", 'return config.services.get("caller").invoke({"said": "web"})')
    assert deployed.seen("caller", lambda event: event == {"said": "web"})
    put = 'table = config.datastores.get("notes")\ntable.put({"id": "1", "text": "hi"})\nreturn table.get({"id": "1"})'
    assert deployed.run("web", put) == {"id": "1", "text": "hi"}
    deployed.denied("other", put, "notes")


def test_a_private_api_leads_to_it(deployed: Deployed) -> None:
    fetch = """
    import urllib.request
    with urllib.request.urlopen(config.services.get("inside").url + "/inside/x?y=%20z", timeout=20) as answer:
        return json.load(answer)
    """
    assert deployed.run("caller", fetch) == {"name": "other", "path": "/inside/x?y=%20z"}


def test_a_changed_line_is_deployed_and_served(deployed: Deployed) -> None:
    from tests.examples.deployment import replaced

    with replaced(deployed.deployment.folder / "box" / "main.py", '"path": self.path', '"path": "changed"'):
        deployed.deployment.up()
        assert deployed.door.get("/web").json == {"name": "web", "path": "changed"}
