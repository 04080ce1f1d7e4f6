"""Annotated TypeScript answers as the original does, in two units and in one; so do Fastify and Hono, with JSX."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.examples.conftest import Deploy
from tests.examples.test_annotated_pets import verified

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]

FASTIFY = {
    "package.json": '{"name": "shelf", "main": "index.jsx", "devDependencies": {"tsx": "4.23.15"},'
    '"dependencies": {"fastify": "4.28.1", "react": "18.3.1", "react-dom": "18.3.1"}}',
    "index.jsx": """const fastify = require("fastify");
const React = require("react");
const { renderToString } = require("react-dom/server");
const app = fastify();
const Home = ({ title }) => <h1 className="up">{title}, with &lt;JSX&gt;</h1>;
app.get("/", async (request, reply) => reply.type("text/html").send(renderToString(<Home title="Books" />)));
app.register(require("./books"), { prefix: "/books" });
// @klotho::expose { id = "shelf-api" }
app.listen({ port: Number(process.env.PORT || 3000) }, (error) => {
  if (error) throw error;
});
""",
    "books.js": """// @klotho::execution_unit { id = "shelf" }
const { rate } = require("./rating");
// @klotho::persist { id = "books" }
const books = new Map();

module.exports = async function routes(app) {
  const schema = { body: { type: "object", required: ["title"], properties: { title: { type: "string" } } } };
  app.put("/:id", { schema }, async (request, reply) => {
    await books.set(request.params.id, { title: request.body.title, rating: await rate(request.body.title) });
    return reply.code(201).header("location", `/books/${request.params.id}`).send();
  });
  app.get("/:id", async (request, reply) => (await books.get(request.params.id)) ?? reply.code(404).send());
  app.route({ method: "GET", url: "/", handler: async () => [...(await books.entries())] });
};
""",
    "rating.js": '// @klotho::execution_unit { id = "rating" }\n'
    "exports.rate = async function rate(title) {\n  return title.length;\n};\n",
    "requests.json": json.dumps(
        [
            {"path": "/"},
            {"method": "PUT", "path": "/books/a", "body": {"title": "Emma"}},
            {"method": "PUT", "path": "/books/b", "body": {"name": "no title"}},
            {"path": "/books/a"},
            {"path": "/books/b"},
            {"path": "/books"},
            {"path": "/nowhere"},
        ]
    ),
}
HONO = {
    "package.json": '{"name": "shelf", "type": "module",'
    '"dependencies": {"hono": "4.6.14", "@hono/node-server": "1.13.7"}, "devDependencies": {"tsx": "4.23.15"}}',
    "tsconfig.json": '{"compilerOptions": {"jsx": "react-jsx", "jsxImportSource": "hono/jsx"}}',
    "index.ts": """import { serve } from "@hono/node-server";
import { Hono } from "hono";
import books from "./books.js";

const app = new Hono();
app.get("/", (c) => c.text("up")).get("/old", (c) => c.redirect("/books"));
app.route("/books", books);

// @klotho::expose { id = "shelf-api" }
serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) });
""",
    "books.tsx": """// @klotho::execution_unit { id = "shelf" }
import { Hono } from "hono";
import { rate, type Rating } from "./rating.js";

type Book = { title: string; rating: Rating };
// @klotho::persist { id = "books" }
const books = new Map<string, Book>();
const routes = new Hono();
const Page = ({ book }: { book: Book }) => (
  <main>
    <h1>{book.title}</h1>
    {book.rating > 3 && <b>good</b>}
  </main>
);

routes.put("/:id", async (c) => {
  const { title } = await c.req.json<{ title: string }>();
  await books.set(c.req.param("id"), { title, rating: await rate(title) });
  return c.body(null, 201, { location: `/books/${c.req.param("id")}` });
});
routes.get("/:id", async (c) => {
  const book = await books.get(c.req.param("id"));
  return book ? c.html(<Page book={book} />) : c.notFound();
});
routes.get("/", async (c) => c.json([...(await books.entries())]));
export default routes;
""",
    "rating.ts": '// @klotho::execution_unit { id = "rating" }\nexport type Rating = number;\n'
    "export const rate = async (title: string): Promise<Rating> => title.length;\n",
    "requests.json": FASTIFY["requests.json"]
    .replace('{"name": "no title"}', '{"title": ""}')
    .replace("/nowhere", "/old"),
}
UNIT = '/* @klotho::execution_unit {\n *   id = "pricing"\n * }\n */\n'


def test_typescript_in_two_units_and_in_one_answers_as_the_original_on_every_route(deploy: Deploy) -> None:
    deployment = deploy("annotated-orders-typescript")
    assert {"main-unit", "pricing-unit"} <= set(deployment.up())
    verified(deployment)
    deployment = deploy("annotated-orders-typescript")
    code = deployment.folder / "src" / "pricing.ts"
    text = code.read_text(encoding="utf-8")
    assert text.startswith(UNIT)
    code.write_text(text.removeprefix(UNIT), encoding="utf-8")
    assert "pricing-unit" not in deployment.up()
    verified(deployment)


@pytest.mark.parametrize("files", [FASTIFY, HONO], ids=["fastify", "hono"])
def test_other_frameworks_with_jsx_and_their_router_in_a_unit_answer_as_the_original(
    deploy: Deploy, files: Mapping[str, str]
) -> None:
    deployment = deploy("annotated-pets")
    for path in deployment.folder.rglob("*.js*"):
        path.unlink()
    for name, content in files.items():
        Path(deployment.folder, name).write_text(content, encoding="utf-8")
    assert {"main-unit", "shelf-unit", "rating-unit"} <= set(deployment.up())
    verified(deployment)
