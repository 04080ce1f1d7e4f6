"""Functions that are shipped as images: what is true of a function is true of them."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.examples.deployment import replaced
from tests.localcloud.pairs import test_pairs_queue
from tests.localcloud.pairs.harness import Deployed

# The pair's own test, with other functions.
from tests.localcloud.pairs.test_pairs_queue import (  # noqa: F401
    test_a_function_is_called_with_what_was_sent_and_the_sender_may_not_receive as test_the_queue_pair_with_images,
)

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = f"""{test_pairs_queue.PROGRAM}
sender.use("lambda-image")
worker.use("lambda-image")
clock = Compute.Function("clock", handler="clock.tell")
door.attach_service(clock, route="/clock")
clock.calls(worker, protocol="async")
"""
CLOCK = 'def tell(event, context):\n    return {"statusCode": 200, "body": "one o\'clock"}\n'
BACKEND = """
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as wheel:
        wheel.writestr("model/__init__.py", "")
        with wheel.open("model/weights.bin", "w") as weights:
            for _ in range(251):
                weights.write(bytes(1024 * 1024))
        wheel.writestr("model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: model\\nVersion: 1.0\\n")
        wheel.writestr("model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("model-1.0.dist-info/RECORD", "")
    return name
"""
FILES = {
    "clock.py": CLOCK,
    "large/report.py": "import os\n\nimport model\n\n\ndef main(event, context):\n"
    "    path = os.path.join(os.path.dirname(model.__file__), 'weights.bin')\n"
    "    return {'statusCode': 200, 'body': str(os.path.getsize(path))}\n",
    "large/requirements.txt": "./libs/model\n",
    "large/libs/model/pyproject.toml": '[project]\nname = "model"\nversion = "1.0"\n[build-system]\nrequires = []\n'
    'build-backend = "backend"\nbackend-path = ["."]\n',
    "large/libs/model/backend.py": BACKEND,
}
"""`report` needs a package of 251 MB, which compresses to little."""
REPORT = """
report = Compute.Function("report", handler="large/report.main", timeout=60)
door.attach_service(report, route="/report")
"""
PIN = "constructs:\n  clock: {use: lambda-image}\n"


def names(deployed: Deployed) -> dict[str, str]:
    """The names of the functions by construct."""
    found = deployed.client("lambda").list_functions()["Functions"]
    tags = {item["FunctionName"]: item["Environment"]["Variables"]["KLOTHO_UNIT"] for item in found}
    return {unit: name for name, unit in tags.items()}


def test_it_is_an_image_with_the_functions_memory_role_and_log(deployed: Deployed) -> None:
    client = deployed.client("lambda")
    found = client.get_function(FunctionName=names(deployed)["worker"])
    configuration = found["Configuration"]
    assert configuration["PackageType"] == "Image"
    assert "Runtime" not in configuration
    assert configuration["MemorySize"] == 512
    assert found["Code"]["RepositoryType"] == "ECR"
    digest = found["Code"]["ImageUri"].rpartition("@sha256:")[2]
    assert (deployed.deployment.state / "images" / digest).is_dir()
    assert configuration["CodeSha256"] == digest
    with pytest.raises(ClientError, match="Please provide ImageUri when updating"):
        client.update_function_code(FunctionName=configuration["FunctionName"], S3Bucket="elsewhere", S3Key="k")


def test_one_word_in_klotho_yaml_makes_it_an_image_and_its_triggers_follow(deployed: Deployed) -> None:
    settings = deployed.deployment.folder / "klotho.yaml"
    before = names(deployed)["clock"]
    settings.write_text(settings.read_text() + PIN)
    results = deployed.deployment.up()
    assert results["clock-function"] == "updated"
    assert names(deployed)["clock"] != before, "Lambda makes no image of a zip: it is another function"
    assert deployed.door.get("/clock").text == "one o'clock"

    with replaced(deployed.deployment.folder / "clock.py", "one", "two"):
        results = deployed.deployment.up()
        changed = {name: result for name, result in results.items() if result != "unchanged"}
        assert changed == {"clock-function": "updated"}, "the code of one function is one stack"
        assert deployed.door.get("/clock").text == "two o'clock"


def test_a_function_above_250_mb_is_refused_where_the_user_wants_a_zip_and_else_runs_as_an_image(
    deployed: Deployed,
) -> None:
    program, settings = deployed.deployment.folder / "infra.py", deployed.deployment.folder / "klotho.yaml"
    program.write_text(program.read_text() + REPORT)
    line = program.read_text().splitlines().index(REPORT.splitlines()[1]) + 1
    with replaced(settings, "clock:", "report: {use: lambda}\n  clock:"):
        said = deployed.deployment.klotho("up", "--yes", exit_code=1).stderr
    assert "error[function-too-large]" in said
    assert "the largest parts are model 251 MB" in said
    assert f"infra.py:{line}" in said
    assert "`use: lambda-image`" in said
    assert not (deployed.deployment.folder / "klotho.lock").exists()

    assert deployed.deployment.up()["report-function"] == "created"
    assert 'ships = "image"' in (deployed.deployment.folder / "klotho.lock").read_text()
    assert deployed.door.get("/report").text == str(251 * 1024 * 1024)


def test_images_are_still_served_after_the_local_cloud_was_stopped(deployed: Deployed) -> None:
    deployed.deployment.down()
    results = deployed.deployment.up()
    assert results["sender-function"] == "unchanged", "equal inputs give an equal image"
    assert deployed.run("sender", "return os.environ['KLOTHO_UNIT']") == "sender"
