"""Functions in Go under `klotho dev`: from a zip, from an image and all the time; called, changed, and refused.

The loop below speaks to the Runtime API as aws-lambda-go does (its `runtime_api_client.go`), which no registry of this
suite has: the answer is a stream of unknown length of type application/octet-stream.
"""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klotho.localcloud import connect
from tests.localcloud.dev.dev_harness import Dev, Shop

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

FILES = {
    "infra.py": """\
import klotho
from klotho import API, Compute, Databases
klotho.Application("pics")
api = API("api")
more = {"include": ["views/card.html"], "environment": {"WORD": "b"}}
thumb = Compute.Function("thumb", handler="functions/thumb/main.main", **more)
thumb.reads_from(Databases.KeyValue("carts", key="id"))
boxed = Compute.Function("boxed", handler="functions/plain/main.main")
always = Compute.Function("always", handler="functions/plain/main.main")
boxed.use("lambda-image")
always.use("fargate")
for unit in (thumb, boxed, always):
    api.attach_service(unit, route="/" + unit.name + "/{word}")
""",
    "go.mod": "module example.com/pics\n\ngo 1.22\n",
    "functions/thumb/main.go": """\
package main

import (
	"errors"
	"os"

	"example.com/pics/loop"
	"example.com/pics/words"
)

var calls = 0

func handle(event map[string]any) (map[string]any, error) {
	calls++
	word := event["pathParameters"].(map[string]any)["word"].(string)
	if word == "wrong" {
		return nil, errors.New("no such word")
	}
	if word == "panic" {
		panic("at the disco")
	}
	card, _ := os.ReadFile("views/card.html")
	return loop.JSON(map[string]any{
		"word": word + words.End, "calls": calls, "unit": os.Getenv("KLOTHO_UNIT"), "a": os.Getenv("WORD"),
		"card": string(card), "memory": os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), "handler": os.Getenv("_HANDLER"),
		"execution": os.Getenv("AWS_EXECUTION_ENV"), "region": os.Getenv("AWS_REGION"),
		"carts": os.Getenv("KLOTHO_DATASTORE_CARTS"),
	}), nil
}

func main() {
	os.Stdout.WriteString("started\\n")
	loop.Start(handle)
}
""",
    "functions/plain/main.go": """\
package main

import (
	"os"

	"example.com/pics/loop"
)

func main() {
	loop.Start(func(event map[string]any) (map[string]any, error) {
		word := event["pathParameters"].(map[string]any)["word"]
		return loop.JSON(map[string]any{"word": word, "unit": os.Getenv("KLOTHO_UNIT")}), nil
	})
}
""",
    "words/words.go": 'package words\n\nconst End = "!"\n',
    "loop/loop.go": """\
package loop

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
)

type Handler = func(map[string]any) (map[string]any, error)

func JSON(body any) map[string]any {
	text, _ := json.Marshal(body)
	return map[string]any{"statusCode": 200, "body": string(text)}
}

func Start(handle Handler) {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(base + "next")
		if err != nil {
			panic(err)
		}
		var event map[string]any
		json.NewDecoder(next.Body).Decode(&event)
		next.Body.Close()
		answer, err := handle(event)
		end := "/response"
		if err != nil {
			answer, end = map[string]any{"errorType": "errorString", "errorMessage": err.Error()}, "/error"
		}
		reading, writing := io.Pipe()
		go func() { writing.CloseWithError(json.NewEncoder(writing).Encode(answer)) }()
		id := next.Header.Get("Lambda-Runtime-Aws-Request-Id")
		done, err := http.Post(base+id+end, "application/octet-stream", reading)
		if err != nil {
			panic(err)
		}
		io.Copy(io.Discard, done.Body)
		done.Body.Close()
	}
}
""",
    "views/card.html": "<p>",
}


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory, go: Path) -> Iterator[Dev]:
    shop = Shop(tmp_path_factory.mktemp("dev"), FILES)
    try:
        found = Dev(shop)
        yield found
        found.kill()
    finally:
        connect.stop_any(shop.state)


def said(dev: Dev, path: str) -> dict[str, Any]:
    return dict(json.loads(dev.get(path)))


def test_a_go_function_is_called_cold_and_warm_with_what_lambda_would_tell_it(dev: Dev) -> None:
    first = said(dev, "/thumb/hello")
    carts = json.loads(first.pop("carts"))
    assert carts["table"] and carts | {"table": ""} == {
        "access": "read", "kind": "Databases.KeyValue", "name": "carts", "table": "",
    }  # fmt: skip
    assert first | {"calls": 0} == {
        "word": "hello!", "calls": 0, "unit": "thumb", "a": "b", "card": "<p>", "memory": "512", "region": "us-east-1",
        "handler": "functions/thumb/main.main", "execution": "AWS_Lambda_provided.al2023",
    }  # fmt: skip
    assert said(dev, "/thumb/hello")["calls"] == first["calls"] + 1
    assert dev.shop.units()["thumb"]["detail"].startswith("provided.al2023 run by its own program")


def test_it_runs_from_an_image_and_as_a_service_all_the_same(dev: Dev) -> None:
    for unit in ("boxed", "always"):
        assert said(dev, f"/{unit}/hello") == {"word": "hello", "unit": unit}


def test_an_error_and_a_panic_fail_one_call_and_are_logged(dev: Dev) -> None:
    for word in ("wrong", "panic"):
        with pytest.raises(urllib.error.HTTPError) as failed:
            dev.get(f"/thumb/{word}")
        assert failed.value.code == 500
    logged = dev.shop.klotho("logs", "thumb").stdout
    assert "started" in logged and "panic: at the disco" in logged and "exit status 2" in logged
    assert said(dev, "/thumb/again")["word"] == "again!"


def test_a_saved_file_is_compiled_and_in_place_and_mistakes_are_told_at_their_line(dev: Dev) -> None:
    dev.shop.replace("words/words.go", "!", "?")
    assert dev.reloaded("thumb")["files"] == ["words/words.go"]
    assert said(dev, "/thumb/hello")["word"] == "hello?"
    right = (dev.shop.folder / "words/words.go").read_text()
    dev.shop.write("words/words.go", "package words\n\nconst End = gone\n")
    event = dev.reloaded("thumb")
    found = event["diagnostics"][0]
    assert (event["event"], found["code"]) == ("refused", "go-does-not-compile")
    assert (found["labels"][0]["span"]["file"], found["labels"][0]["span"]["line"]) == ("words/words.go", 3)
    assert said(dev, "/thumb/hello")["word"] == "hello?"
    dev.shop.write("words/words.go", right)
    assert dev.reloaded("thumb")["event"] == "reloaded"
    dev.shop.write("functions/thumb/more.go", "package main\n\nfunc init() { calls = 100 }\n")
    dev.wait_for(lambda event: event.get("event") == "planned", 60)  # a new file may be one of the service's, too
    assert said(dev, "/thumb/hello")["calls"] == 101
