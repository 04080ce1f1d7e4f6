"""What Go code keeps: buckets of gocloud.dev, databases and caches by variables, secrets; the rest is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.annotations.compiling import Compiled
from klotho.diagnostics import Diagnostic, render_text
from tests.unit.annotations.test_compiling import compiled, relations

GO_MOD = "module example.com/shop\n\ngo 1.22\n"
SERVE = (
    'package main\n\nimport (\n\t"net/http"\n{imports})\n\n{top}\nfunc main() {{\n{within}'
    '\t// @klotho::expose {{ id = "api" }}\n\thttp.ListenAndServe(":3000", nil)\n}}\n'
)
PERSIST = '// @klotho::persist { id = "media" }\n'
BUCKET = "func() (*klotho_unit_blobs.Bucket, error) { return "
URL = (
    '// @klotho::persist {\n//   id = "it"\n//   [environment_variables]\n//   IT_URL = "orm.connection_string"\n// }\n'
)
SECRET = '// @klotho::config {\n//   id = "key"\n//   secret = true\n// }\n'


def mistakes(root: Path, files: dict[str, str]) -> tuple[Compiled, list[Diagnostic]]:
    made, report = compiled(root, files)
    return made, report.errors


def good(root: Path, files: dict[str, str]) -> Compiled:
    made, errors = mistakes(root, files)
    assert render_text(errors, root) == ""
    return made


def serving(*imports: str, top: str = "", within: str = "") -> dict[str, str]:
    lines = "".join(f"\t{item if item.endswith(chr(34)) else chr(34) + item + chr(34)}\n" for item in imports)
    return {"go.mod": GO_MOD, "main.go": SERVE.format(imports=lines, top=top, within=within)}


@pytest.mark.parametrize(
    ("imports", "before", "call", "after"),
    [
        (["gocloud.dev/blob"], "media, err := ", 'blob.OpenBucket(ctx, "file:///media")', "\n\t_, _ = media, err\n"),
        (["gocloud.dev/blob"], "media, err = ", "blob.OpenBucket(\n\t\tctx, url,\n\t)", "\n"),
        (['b "gocloud.dev/blob"'], "if media, err = ", "b.OpenBucket(ctx, url)", "; err != nil {\n\t}\n"),
        (["gocloud.dev/blob/fileblob"], "return ", "fileblob.OpenBucket(folder, nil)", "\n"),
    ],
)
def test_the_call_that_opens_a_bucket_stays_in_its_place_and_opens_one_of_s3(
    tmp_path: Path, imports: list[str], before: str, call: str, after: str
) -> None:
    files = serving(*imports, within=f"\t{PERSIST}\t{before}{call}{after}")
    made = good(tmp_path, files)
    assert ("read_writes_to", "Compute.Function/main", "Storage.Bucket/media") in relations(made)
    code = made.files["main/main.go"].decode()
    assert f'\t{before}klotho_unit_blobs.Opened("media", {BUCKET}{call} }}){after}' in code
    assert '; import klotho_unit_blobs "example.com/shop/klotho_unit_blobs"\n' in code
    assert len(files["main.go"].splitlines()) <= len(code.splitlines())
    assert b'"example.com/shop/klotho_unit"' in made.files["main/klotho_unit_blobs/blobs.go"]
    assert {"main/klotho_unit/objects.go", "main/klotho_unit/signing.go"} <= made.files.keys()
    assert "main/klotho_unit/rds-ca.pem" not in made.files


def test_a_bucket_in_memory_at_the_top_of_a_package(tmp_path: Path) -> None:
    made = good(tmp_path, serving("gocloud.dev/blob/memblob", top=f"{PERSIST}var media = memblob.OpenBucket(nil)\n"))
    made_in_memory = "func() *klotho_unit_blobs.Bucket { return memblob.OpenBucket(nil) })"
    assert f'var media = klotho_unit_blobs.Made("media", {made_in_memory}\n' in made.files["main/main.go"].decode()


def test_variables_are_set_before_the_packages_that_name_them(tmp_path: Path) -> None:
    named = f'package db\n\nimport "os"\n\n{URL}var url = os.Getenv("IT_URL")\n'
    other = "package db\n\nfunc Close() {}\n"
    files = serving("example.com/shop/db", within="\tdb.Close()\n\tdb.Open()\n") | {
        "db/db.go": f"{named}\nfunc Open() {{}}\n",
        "db/other.go": other,
    }
    made = good(tmp_path, files)
    assert ("read_writes_to", "Compute.Function/main", "Databases.Postgres/it") in relations(made)
    first, *rest = made.files["main/db/db.go"].decode().splitlines()
    assert first == 'package db; import _ "example.com/shop/klotho_unit"'
    assert rest == files["db/db.go"].splitlines()[1:]
    assert made.files["main/db/other.go"].decode() == other
    assert b'\t"IT_URL": {"datastores", "it", "url"},\n' in made.files["main/klotho_unit/unit.go"]
    assert {"main/klotho_unit/rds-ca.pem", "main/klotho_unit/environment.go"} <= made.files.keys()
    assert "main/klotho_unit_blobs/blobs.go" not in made.files
    assert "password" not in str(made.application)


@pytest.mark.parametrize(
    ("imports", "statement"),
    [
        (["os"], 'key := os.Getenv("API_KEY")'),
        (["os"], "if key, is := os.LookupEnv(`API_KEY`); !is {\n\t\t_ = key\n\t}"),
        (['env "os"'], 'key = strings.TrimSpace(env.Getenv("API_KEY"))'),
    ],
)
def test_a_statement_that_reads_one_variable_makes_it_a_secret_and_stays_as_it_is(
    tmp_path: Path, imports: list[str], statement: str
) -> None:
    made = good(tmp_path, serving(*imports, within=f"\t{SECRET}\t{statement}\n"))
    assert ("uses", "Compute.Function/main", "Secret/key") in relations(made)
    assert f"\t{statement}\n" in made.files["main/main.go"].decode()
    assert b'\t"API_KEY": {"secrets", "key", "value"},\n' in made.files["main/klotho_unit/unit.go"]


STORE = (
    'package store\n\nimport (\n\t"context"\n\t"os"\n\n\t"gocloud.dev/blob"\n)\n\n'
    '// @klotho::execution_unit {{ id = "store" }}\n\n{top}\n'
    'func Get(ctx context.Context) (string, error) {{\n{within}\treturn "", nil\n}}\n'
)
ASKS = "\tstore.Get(nil)\n"


def test_what_another_unit_opens_is_not_this_ones_and_not_opened_on_its_machine(tmp_path: Path) -> None:
    opens = f'func open() *blob.Bucket {{\n\t{PERSIST}\tb, _ := blob.OpenBucket(nil, "mem://")\n\treturn b\n}}\n'
    store = STORE.format(top=f"var kept = open()\n\n{opens}", within="\t_ = os.Getenv\n")
    made, _ = compiled(tmp_path, serving("example.com/shop/store", within=ASKS) | {"store/store.go": store})
    uses = {item for item in relations(made) if item[0] == "read_writes_to"}
    assert uses == {("read_writes_to", "Compute.Function/store", "Storage.Bucket/media")}
    assert b'klotho_unit_blobs.Opened("media", ' in made.files["main/store/store.go"]


@pytest.mark.parametrize(
    ("top", "within", "has"),
    [
        (f'{URL}var url = os.Getenv("IT_URL")\n', "", True),
        (f'var url = read()\n\nfunc read() string {{\n\t{URL}\tit := os.Getenv("IT_URL")\n\treturn it\n}}\n', "", True),
        (f'func init() {{\n\t{URL}\t_ = os.Getenv("IT_URL")\n}}\n', "", True),
        ("", f'\t{URL}\t_ = os.Getenv("IT_URL")\n', False),
    ],
)
def test_what_a_package_reads_when_a_program_starts_each_unit_has_that_is_built_of_it(
    tmp_path: Path, top: str, within: str, has: bool
) -> None:
    store = STORE.format(top=f"var _ = blob.OpenBucket\n{top}", within=within)
    made, _ = compiled(tmp_path, serving("example.com/shop/store", within=ASKS) | {"store/store.go": store})
    uses = {item[1] for item in relations(made) if item[2] == "Databases.Postgres/it"}
    assert uses == {"Compute.Function/store"} | ({"Compute.Function/main"} if has else set())
    assert (b"IT_URL" in made.files["main/klotho_unit/unit.go"]) is has


@pytest.mark.parametrize(
    ("imports", "statement", "name"),
    [
        ([], "pets := map[string]int{}", "a map"),
        ([], "pets := make(map[string]int)", "a map"),
        (["sync"], "var pets sync.Map", "`sync.Map`"),
        (["database/sql"], 'it, err := sql.Open("postgres", url)', "`Open` of database/sql"),
        (['bolt "go.etcd.io/bbolt"'], "it, err := bolt.Open(path, 0600, nil)", "`Open` of bbolt"),
        (
            ["context", "go.mongodb.org/mongo-driver/mongo"],
            "it, err := mongo.Connect(context.Background())",
            "`Connect` of MongoDB's driver",
        ),
        (["gorm.io/gorm", "gorm.io/driver/postgres"], "it, err := gorm.Open(postgres.Open(dsn))", "`Open` of GORM"),
        (["github.com/jackc/pgx/v5/pgxpool"], "it, err := pgxpool.New(ctx, url)", "`New` of pgx"),
        (["gocloud.dev/blob/s3blob"], "it := s3blob.OpenBucket(a, b)", "`OpenBucket` of gocloud.dev/blob/s3blob"),
        (
            ["gocloud.dev/blob"],
            "a, b := one(blob.OpenBucket(c, x)), two(blob.OpenBucket(c, y))",
            "more than one bucket",
        ),
        (["github.com/acme/store"], "it := store.New()", "`New` of github.com/acme/store"),
    ],
)
def test_what_else_keeps_things_is_refused_by_its_name_at_its_line(
    tmp_path: Path, imports: list[str], statement: str, name: str
) -> None:
    _, errors = mistakes(tmp_path, serving(*imports, within=f"\t{PERSIST}\t{statement}\n"))
    (found,) = errors
    assert (found.code, str(found.span)) == ("annotation-not-yet", f"main.go:{9 + len(imports)}")
    assert found.message == f"{name} under `@klotho::persist` is not supported yet"
    assert "[environment_variables]" in render_text(errors, tmp_path)


def test_configuration_by_runtimevar_is_refused_by_its_name(tmp_path: Path) -> None:
    opens = f"\t{SECRET}\tit, err := runtimevar.OpenVariable(ctx, url)\n"
    _, errors = mistakes(tmp_path, serving("gocloud.dev/runtimevar", within=opens))
    message = "`OpenVariable` of gocloud.dev/runtimevar under `@klotho::config` is not supported yet"
    assert [item.message for item in errors] == [message]


@pytest.mark.parametrize(
    "comment",
    [
        '// @klotho::persist {\n//   id = "x"\n//   secret = true\n// }\n',
        SECRET.replace("true", "false"),
        URL.replace("orm.connection_string", "orm.shards"),
    ],
)
def test_what_an_annotation_of_go_may_not_say_is_an_error_at_its_line(tmp_path: Path, comment: str) -> None:
    statement = '\tit := os.Getenv("IT_URL")\n'
    found, *_ = mistakes(tmp_path, serving("os", within=comment + statement))[1]
    assert found.code in ("annotation-not-yet", "annotation-directive")


def test_a_file_that_reads_a_variable_and_listens_imports_the_unit_once(tmp_path: Path) -> None:
    main = 'package main\n\nimport (\n\t"net/http"\n\t"os"\n)\n\nfunc main() {\n'
    main += '\t// @klotho::config { id = "key"\n\t//   secret = true }\n\t_ = os.Getenv("API_KEY")\n'
    main += '\t// @klotho::expose { id = "api" }\n\thttp.ListenAndServe(":80", nil)\n}\n'
    code = good(tmp_path, {"go.mod": GO_MOD, "main.go": main}).files["main/main.go"].decode()
    assert code.splitlines()[0] == 'package main; import klotho_unit "example.com/shop/klotho_unit"'
