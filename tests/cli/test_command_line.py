"""The command line: exit codes, streams, no traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from klotho.diagnostics.codes import PAGES
from klotho.driver.construct_page import kinds

from .conftest import GOOD, Run, codes


def test_help_lists_every_command_and_hides_the_aliases(klotho: Run, golden: Callable[[Path, str], None]) -> None:
    done = klotho("--help", COLUMNS="100")
    assert done.returncode == 0
    golden(Path(__file__).with_name("help.txt"), done.stdout)
    assert klotho(COLUMNS="100").stdout == done.stdout


@pytest.mark.parametrize(("alias", "command"), [("plan", "preview"), ("deploy", "up"), ("destroy", "down")])
def test_aliases_have_the_help_of_their_command(alias: str, command: str, klotho: Run) -> None:
    assert klotho(alias, "-h").stdout.replace(f"klotho {alias} ", f"klotho {command} ") == klotho(command, "-h").stdout


def test_help_and_build_load_neither_boto3_nor_rich(klotho: Run, shop: Path) -> None:
    script = (
        "import sys\nfrom klotho.cli.run import run\n"
        "code = run(sys.argv[1:])\n"
        "heavy = {'boto3', 'botocore', 'rich', 'ruamel', 'uvicorn'} & {name.split('.')[0] for name in sys.modules}\n"
        "sys.exit(code or len(heavy))\n"
    )
    for arguments in (["--help"], ["build"]):
        done = subprocess.run([sys.executable, "-c", script, *arguments], cwd=shop, capture_output=True, text=True)
        assert (done.returncode, done.stderr.count("Error")) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "helped"),
    [
        (("bild",), "did you mean `build`?"),
        (("upp",), "did you mean `up`?"),
        (("up", "--jsn"), "`--json`"),
        (("status", "--envv", "x"), "`--env`"),
        (("build", "a", "b"), "run `klotho build --help`"),
        (("logs", "--since", "soon"), "30s, 10m, 2h, 1d"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_was_meant(arguments: tuple[str, ...], helped: str, klotho: Run) -> None:
    done = klotho(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error[usage]: ")
    assert helped in done.stderr


@pytest.mark.parametrize("group", ["ci", "config", "env", "secret"])
def test_a_group_alone_shows_its_help(group: str, klotho: Run) -> None:
    alone = klotho(group)
    assert (alone.returncode, alone.stdout, alone.stderr) == (0, klotho(group, "--help").stdout, "")


def test_an_option_without_its_value_leads_to_the_help_of_its_command(klotho: Run) -> None:
    for words in (("up", "--delete-data"), ("env", "set", "prod", "--ttl")):
        done = klotho(*words)
        assert done.returncode == 2
        assert f"run `klotho {' '.join(words[:-1]).replace(' prod', '')} --help`" in done.stderr


def test_a_name_is_not_renamed_to_itself(klotho: Run, shop: Path) -> None:
    done = klotho("up", "--move", "visits=visits")
    assert done.returncode == 2
    assert "a name and itself are no rename" in done.stderr


def test_options_after_two_dashes_are_those_of_the_other_program(klotho: Run) -> None:
    done = klotho("exec", "orders", "--", "aws", "--json")
    assert (done.returncode, done.stdout) == (6, "")
    assert codes(klotho("exec", "orders", "--json", "--", "aws")) == ["program-missing"]


def test_doctor_names_a_folder_that_is_not_there(klotho: Run) -> None:
    assert codes(klotho("doctor", "nowhere", "--json")) == ["program-missing"]


def test_advice_leads_to_the_environment_that_was_named(klotho: Run, shop: Path) -> None:
    (shop / "klotho.yaml").write_text("environments:\n  dev: {target: local}\n")
    assert "run `klotho up --env dev`" in klotho("outputs", "--env", "dev").stderr
    assert "run `klotho up --env dev` to bring it up" in klotho("status", "--env=dev").stderr
    assert (
        "run `klotho up --env dev`"
        in json.loads(klotho("logs", "-e", "dev", "--json").stdout)["diagnostics"][0]["helps"]
    )
    assert "run `klotho up`\n" in klotho("outputs").stderr


def test_wrong_usage_under_json_is_json(klotho: Run) -> None:
    done = klotho("up", "--json", "--nope")
    assert (done.returncode, codes(done), done.stderr) == (2, ["usage"], "")


@pytest.mark.parametrize("command", ["build", "preview", "up", "down", "status", "outputs", "logs", "permissions"])
def test_without_a_program_every_command_ends_with_6_and_says_what_to_do(command: str, klotho: Run) -> None:
    done = klotho(command)
    assert done.returncode == 6
    assert "error[program-missing]: there is no `infra.py` here" in done.stderr
    assert "klotho init" in done.stderr


@pytest.mark.parametrize("command", ["build", "preview", "up", "permissions"])
def test_a_program_with_mistakes_ends_with_1_shows_all_of_them_and_writes_nothing(
    command: str, klotho: Run, shop: Path
) -> None:
    (shop / "infra.py").write_text(GOOD + 'hello.reads_frm(visits)\nDatabases.Mongo("x")\n')
    done = klotho(command)
    assert done.returncode == 1
    assert "--> infra.py:8:" in done.stderr
    assert "--> infra.py:9:" in done.stderr
    assert sorted(path.name for path in shop.iterdir() if path.is_dir() and path.name != "__pycache__") == []
    if command == "up":
        assert len(codes(klotho(command, "--json"))) >= 2


def test_paths_are_shown_relative_to_the_program_even_from_elsewhere(klotho: Run, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "infra.py").write_text("import klotho\nklotho.Aplication('x')\n")
    done = klotho("build", "deep")
    assert done.returncode == 1
    assert "2 | klotho.Aplication('x')" in done.stderr


def test_build_prints_the_folder_and_under_json_what_it_made(klotho: Run, klotho_process: Run, shop: Path) -> None:
    done = klotho_process("build")
    assert (done.returncode, done.stdout.strip()) == (0, str(shop.resolve() / "compiled"))
    data = json.loads(klotho("build", "--json", "--out", "elsewhere").stdout)
    assert data["ok"] is True
    assert data["stacks"] and data["resources"] > len(data["stacks"])
    assert (shop / "elsewhere" / "cloudformation" / "manifest.json").is_file()


def test_under_ci_the_environment_must_be_named(klotho: Run, shop: Path) -> None:
    assert klotho("up", CI="true").returncode == 2
    assert "--env local" in klotho("build", CI="1").stderr
    assert klotho("build", "--env", "local", CI="true").returncode == 0
    assert klotho("build", CI="false").returncode == 0


@pytest.mark.parametrize("command", ["up", "preview", "status", "outputs", "logs"])
def test_without_credentials_an_environment_on_aws_is_refused_and_still_builds(
    command: str, klotho: Run, shop: Path
) -> None:
    (shop / "klotho.yaml").write_text("environments:\n  prod:\n    target: aws\n    region: eu-west-1\n")
    nobody = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_SHARED_CREDENTIALS_FILE": "none", "AWS_CONFIG_FILE": "none"}
    done = klotho(command, "--env", "prod", "--json", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", **nobody)
    assert (done.returncode, codes(done)) == (3, ["credentials-refused"])
    if command == "up":
        assert klotho("build", "--env", "prod").returncode == 0


def test_wrong_usage_of_a_real_process_ends_with_2(klotho_process: Run) -> None:
    done = klotho_process("bild", "--json")
    assert (done.returncode, codes(done), done.stderr) == (2, ["usage"], "")


def test_an_unknown_environment_ends_with_6(klotho: Run, shop: Path) -> None:
    done = klotho("up", "-e", "locl")
    assert done.returncode == 6
    assert "did you mean `local`?" in done.stderr


def test_init_writes_a_program_that_builds_and_overwrites_nothing(klotho: Run, tmp_path: Path) -> None:
    done = klotho("init", "my shop")
    assert done.returncode == 0
    assert sorted(done.stdout.splitlines()) == [
        "my shop/.gitignore", "my shop/README.md", "my shop/functions/hello.py", "my shop/infra.py",
    ]  # fmt: skip
    assert "next: `cd 'my shop' && klotho up`" in done.stderr
    assert klotho("build", "my shop").returncode == 0
    before = (tmp_path / "my shop" / "infra.py").read_bytes()
    again = klotho("init", "my shop", "--json")
    assert (again.returncode, codes(again)) == (1, ["would-overwrite"])
    assert (tmp_path / "my shop" / "infra.py").read_bytes() == before


def test_before_the_first_up_status_and_preview_work_and_outputs_says_what_to_do(klotho: Run, shop: Path) -> None:
    assert json.loads(klotho("status", "--json").stdout)["state"] == "absent"
    preview = json.loads(klotho("preview", "--json").stdout)
    assert {stack["action"] for stack in preview["stacks"]} == {"create"}
    assert klotho("preview", "--detailed-exitcode").returncode == 20
    outputs = klotho("outputs")
    assert outputs.returncode == 6
    assert "run `klotho up`" in outputs.stderr
    assert klotho("down").returncode == 0
    assert not (shop / "state").exists()


def test_deleting_data_needs_the_name_of_the_application_whatever_else_is_said(klotho: Run, shop: Path) -> None:
    assert klotho("down", "--delete-data").returncode == 2
    done = klotho("down", "--yes", "--delete-data", "something")
    assert done.returncode == 2
    assert "error[consent-needed]: `something` is not the name of this application" in done.stderr
    assert "`--delete-data shop`" in done.stderr


@pytest.mark.parametrize("mistake", ["protect: yes!", "protect: true, {"])
def test_with_a_mistake_in_the_settings_no_data_are_deleted(mistake: str, klotho: Run, shop: Path) -> None:
    (shop / "klotho.yaml").write_text(f"environments:\n  local: {{{mistake}}}\n")
    for words in (("down", "--delete-data", "shop"), ("env", "prune"), ("env", "ls")):
        done = klotho(*words, "--json")
        assert (words, done.returncode, codes(done)[0][:9]) == (words, 1, "settings-")


def test_a_rollback_of_nothing_begins_nothing(klotho: Run, shop: Path) -> None:
    done = klotho("rollback", "--yes")
    assert (done.returncode, "nothing was deployed yet" in done.stderr) == (6, True)
    assert not (shop / "state").exists()


def test_a_protected_environment_keeps_its_data_whatever_the_flags(klotho: Run, shop: Path) -> None:
    (shop / "klotho.yaml").write_text("environments:\n  local:\n    protect: true\n")
    for command in ("up", "down"):
        done = klotho(command, "--delete-data", "shop", "--yes")
        assert done.returncode == 1
        assert "error[environment-protected]" in done.stderr
        assert "--> klotho.yaml:2" in done.stderr


def test_a_bug_of_ours_is_one_line_and_a_file(klotho_process: Run, shop: Path) -> None:
    (shop / "sitecustomize.py").write_text(
        "import klotho.driver.build as b\ndef build(*a, **k): raise ZeroDivisionError('oops')\nb.build = build\n"
    )
    done = klotho_process("build", PYTHONPATH=str(shop))
    assert done.returncode == 1
    assert "error[internal-error]: this is a bug in klotho: ZeroDivisionError: oops" in done.stderr
    (log,) = (shop / "state" / "klotho" / "crashes").iterdir()
    assert "ZeroDivisionError: oops" in log.read_text()
    assert "klotho build" in log.read_text()


def test_a_folder_that_can_not_be_written_is_named(klotho: Run, shop: Path) -> None:
    (shop / "out").write_text("a file in the way")
    done = klotho("build", "--out", "out/below", "--json")
    assert (done.returncode, codes(done)) == (1, ["file-refused"])
    assert not (shop / "state").exists()


def test_a_reader_that_goes_away_is_no_error(shop: Path) -> None:
    command = f"{sys.executable} -m klotho.cli build --json"
    with subprocess.Popen(
        command.split(), cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


def test_a_code_is_explained_with_what_why_fix_and_an_example(klotho: Run) -> None:
    done = klotho("explain", "error[two-applications]")
    assert done.returncode == 0
    for title in ("what: ", "why: ", "fix: ", "example: "):
        assert f"\n{title}" in done.stdout
    data = json.loads(klotho("explain", "two-applications", "--json").stdout)
    assert (data["ok"], data["code"]) == (True, "two-applications")
    assert data["what"] in done.stdout and data["example"].splitlines()[0] in done.stdout


def test_every_code_is_listed_and_a_mistyped_one_offers_the_nearest(klotho: Run) -> None:
    listed = [line.split()[0] for line in klotho("explain").stdout.splitlines()]
    assert listed == [*kinds(), *sorted(PAGES)]
    assert sorted(json.loads(klotho("explain", "--json").stdout)["codes"]) == sorted(PAGES)
    done = klotho("explain", "stack-faild")
    assert (done.returncode, "did you mean `stack-failed`?" in done.stderr) == (6, True)


def test_what_a_program_has_is_explained_in_three_depths(klotho: Run, tmp_path: Path) -> None:
    (tmp_path / "infra.py").write_text(GOOD)
    (tmp_path / "hello.py").write_text("def handler(event, context): ...\n")
    short, default, verbose = (
        klotho("explain", "HelloFunctionRolePolicy", *depth).stdout for depth in (("--short",), (), ("-v",))
    )
    assert default.startswith(short) and verbose.startswith(default.partition("\nproperties\n")[0])
    assert "infra.py:6  hello.read_writes_to(visits)" in short
    assert "remove infra.py:6 `hello.read_writes_to(visits)` and it goes; no other line grants it" in default
    assert "dynamodb:PutItem" in default and "rule `use_items`" in verbose
    data = json.loads(klotho("explain", "HelloFunctionRolePolicy", "--json").stdout)
    assert (data["ok"], data["subject"], data["name"]) == (True, "resource", "HelloFunctionRolePolicy")
    granted = next(item for item in data["properties"] if "dynamodb:PutItem" in item["value"])
    line = granted["why"]["lines"][0]
    assert (line["file"], line["line"], line["text"]) == ("infra.py", 6, "hello.read_writes_to(visits)")


def test_explaining_offers_the_nearest_and_the_ways_to_tell_apart(klotho: Run, tmp_path: Path) -> None:
    (tmp_path / "infra.py").write_text(f'{GOOD}klotho.Storage.Bucket("visits")\n')
    (tmp_path / "hello.py").write_text("def handler(event, context): ...\n")
    done = klotho("explain", "hello.FunctionNam")
    assert (done.returncode, "did you mean `hello.Function" in done.stderr) == (6, True)
    done = klotho("explain", "visits")
    assert done.returncode == 2 and "error[explain-ambiguous]" in done.stderr
    assert "run `klotho explain Storage.Bucket/visits`" in done.stderr
    assert klotho("explain", "Storage.Bucket/visits").returncode == 0


def test_a_kind_is_explained_without_a_sound_program_and_a_construct_of_its_name_before_it(
    klotho: Run, tmp_path: Path
) -> None:
    (tmp_path / "infra.py").write_text("import klotho\nklotho.Application()\n")
    assert "Databases.KeyValue" in klotho("explain", "keyvalue").stdout
    assert klotho("explain", "nothing-such").returncode == 1, "the program's mistakes are shown"
    (tmp_path / "infra.py").write_text(GOOD.replace("visits", "keyvalue"))
    (tmp_path / "hello.py").write_text("def handler(event, context): ...\n")
    done = klotho("explain", "keyvalue")
    assert done.stdout.startswith('Databases.KeyValue "keyvalue"')
    assert "`klotho explain Databases.KeyValue` tells what its kind can do" in done.stderr


@pytest.mark.parametrize(
    ("redirection", "arguments", "code"),
    [
        (">&-", "build", 1),
        (">/dev/full", "build", 1),
        (">/dev/full", "build --json", 1),
        (">/dev/full", "--help", 1),
        (">/dev/full", "bild --json", 1),
        ("2>&-", "build", 0),
        ("2>/dev/full", "build", 0),
        ("2>/dev/full", "bild", 2),
        (">&- 2>&-", "bild", 2),
        ("<&- >&- 2>&-", "build", 1),
    ],
)
def test_closed_and_full_streams_end_quietly(redirection: str, arguments: str, code: int, shop: Path) -> None:
    # The shell is what closes streams; the words are fixed.
    command = f"exec {sys.executable} -m klotho.cli {arguments} {redirection}"
    done = subprocess.run(["sh", "-c", command], cwd=shop, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert "bug in klotho" not in done.stderr
    assert done.returncode == code


def test_a_state_folder_that_is_a_file_is_named(klotho: Run, shop: Path) -> None:
    (shop / "state").write_text("a file")
    for command in ("status", "down", "outputs", "logs", "preview"):
        done = klotho(command)
        assert done.returncode in (0, 1, 6), done.stderr
        assert "bug in klotho" not in done.stderr
    done = klotho("up", "--json")
    assert done.returncode == 1
    assert codes(done)[0] == "state-folder"
    assert str(shop / "state") in done.stdout


def test_a_bug_without_a_place_for_its_log_is_still_told(klotho_process: Run, shop: Path) -> None:
    (shop / "state").write_text("a file")
    (shop / "sitecustomize.py").write_text(
        "import klotho.driver.build as b\ndef build(*a, **k): raise ZeroDivisionError('oops')\nb.build = build\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "klotho.cli", "build"],
        cwd=shop, env={**os.environ, "PYTHONPATH": str(shop)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("error[internal-error]: this is a bug in klotho: ZeroDivisionError: oops")


@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_of_a_command_that_begins_nothing_says_only_cancelled(as_json: bool, shop: Path) -> None:
    (shop / "infra.py").write_text("import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(60)\n")
    command = [sys.executable, "-m", "klotho.cli", "build", *(["--json"] if as_json else [])]
    with subprocess.Popen(command, cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not (shop / "begun").exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, "Traceback" in err, "goes on" in out + err) == (8, False, False)
    if as_json:
        assert json.loads(out)["diagnostics"][0]["code"] == "cancelled"
    else:
        assert err.strip() == "cancelled"


@pytest.mark.parametrize("module", ["klotho.cli", "klotho.cli.run", "klotho.diagnostics", "typer"])
def test_ctrl_c_while_modules_are_imported_gives_no_traceback(module: str, shop: Path) -> None:
    """As the console script does it; `klotho.cli.__main__` itself is the earliest that can be made safe."""
    condition = "'klotho.cli.__main__' in sys.modules" if module == "klotho.cli" else f"name == {module!r}"
    (shop / "early.py").write_text(
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if {condition}: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from klotho.cli.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "early.py"], cwd=shop, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.strip()) == (8, "cancelled")


@pytest.mark.parametrize(("command", "shown"), [
    ("build", "klotho build path/to/infra.py"),
    ("down", "klotho down path/to/infra.py"),
    ("logs", "klotho logs --program path/to/infra.py"),
])  # fmt: skip
def test_help_for_a_missing_program_names_the_command_that_was_run(command: str, shown: str, klotho: Run) -> None:
    assert f"`{shown}`" in klotho(command).stderr


def test_a_file_or_folder_of_the_users_is_never_an_output_folder(klotho: Run, shop: Path) -> None:
    (shop / "f").mkdir()
    (shop / "f" / "mine.txt").write_text("mine")
    before = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file() and "__pycache__" not in str(path)}
    for out in ("f", "infra.py", ".", "..", "../.."):
        done = klotho("build", "--out", out, "--json")
        assert (done.returncode, codes(done)) == (1, ["output-folder-taken"])
    after = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file() and "__pycache__" not in str(path)}
    assert after == before


@pytest.mark.parametrize(
    "command",
    [
        "init", "build", "check", "preview", "up", "dev", "down", "status", "outputs", "logs", "permissions", "history",
        "rollback", "drift", "unlock", "bootstrap", "exec", "shell", "tunnel", "whoami",
        "secret-set", "secret-ls", "secret-rm",
    ],
)  # fmt: skip
def test_every_command_takes_env_yes_and_json(klotho: Run, command: str) -> None:
    done = klotho(*command.split("-"), "--help")
    assert done.returncode == 0
    assert all(option in done.stdout for option in ("--env", "--yes", "--json"))
