"""NestJS: the routes of controllers, and the types of what is decorated, which the bundler of units does not know."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from klotho.annotations.compiling import Compiled, compile_code
from klotho.diagnostics import Report
from tests.unit.annotations.test_compiling import compiled, good, told
from tests.unit.annotations.test_grammar import mutated

MAIN = """import { NestFactory } from "@nestjs/core";
import { AppModule } from "./app.module";
async function bootstrap() {
  const app = await NestFactory.create(AppModule, { cors: true });
  PREFIX
  // @klotho::expose { id = "api" }
  await app.listen(3000);
}
bootstrap();
"""
FILES = {
    "package.json": '{"dependencies": {"@nestjs/core": "10", "reflect-metadata": "0.2"}}',
    "tsconfig.json": '{"compilerOptions": {"experimentalDecorators": true, "emitDecoratorMetadata": true}}',
    "main.ts": MAIN.replace("PREFIX", 'app.setGlobalPrefix("v1");'),
    "app.module.ts": """import { Controller, Get, Module, forwardRef } from "@nestjs/common";
import { PetsModule } from "./pets";
@Controller()
export class AppController {
  @Get() up() { return "up"; }
  @Get(["a", "/b/"]) several() {}
}
@Module({ imports: [forwardRef(() => PetsModule), ConfigModule.forRoot()], controllers: [AppController] })
export class AppModule {}
""",
    "pets/index.ts": 'export * from "./module";\n',
    "pets/module.ts": """import { All, Body, Controller, Module, Post, Version } from "@nestjs/common";
import { Pets, type Kind, Pet } from "./service";
type Id = number;
@Controller({ path: "pets" })
class PetsController {
  constructor(private readonly pets: Pets, id: Id, pet: Pet, kind: Kind, readonly names: string[] = []) {}
  @Post(":id/toys")
  @Header("a", "b") // kept
  async add(@Param("id") id: string | null, @Body() body: CreatePet, when?: Date, ...rest: boolean[]): Promise<void> {}
  @All("any") any(): Id { return 1; }
  @IsString() name: "a";
  plain() {}
}
@Module({ controllers: [PetsController], providers: [Pets] })
export class PetsModule {}
""",
    "pets/service.ts": "@Injectable()\nexport class Pets {}\nexport interface Pet {}\nexport type Kind = string;\n",
}


def routes(made: Compiled) -> set[str]:
    return set(made.units[0].routes["api"])


def test_controllers_of_modules_at_any_depth_are_found_below_the_global_prefix(tmp_path: Path) -> None:
    found = {"GET /v1", "GET /v1/a", "GET /v1/b", "POST /v1/pets/{id}/toys", "ANY /v1/pets/any"}
    assert routes(good(tmp_path, FILES)) == found


@pytest.mark.parametrize(
    "line",
    ["app.setGlobalPrefix(prefix);", 'app.setGlobalPrefix("a", { exclude: ["up"] });', "app.enableVersioning();"],
)
def test_a_prefix_that_can_not_be_read_and_versions_give_the_unit_all_requests(tmp_path: Path, line: str) -> None:
    files = {**FILES, "main.ts": MAIN.replace("PREFIX", line)}
    assert told(tmp_path, files) == [("annotation-without-effect", "main.ts:6")]
    made, _ = compiled(tmp_path, files)
    assert routes(made) == set()


def test_the_types_of_what_is_decorated_are_written_beside_it_as_tsc_would(tmp_path: Path) -> None:
    made = good(tmp_path, FILES)
    before = FILES["pets/module.ts"].splitlines()
    after = made.files["main/pets/module.ts"].decode().splitlines()
    added = {
        line: text[len(old) :] if text.startswith(old) else text
        for line, (old, text) in enumerate(zip(before, after, strict=True), 1)
        if old != text
    }
    pets = '(typeof Pets === "function" ? Pets : Object)'
    assert added[4] == f' @Reflect.metadata("design:paramtypes", [{pets}, Number, Object, Object, Array])'
    assert after[7] == (
        '  @Header("a", "b") @Reflect.metadata("design:type", Function)'
        ' @Reflect.metadata("design:paramtypes", [String, Object, Date, Boolean])'
        ' @Reflect.metadata("design:returntype", Promise) // kept'
    )
    assert '@Reflect.metadata("design:returntype", Number) any(): Id' in after[9]
    assert after[10] == '  @IsString() @Reflect.metadata("design:type", String) name: "a";'
    assert sorted(added) == [4, 8, 10, 11]
    assert made.files["main/pets/service.ts"] == FILES["pets/service.ts"].encode()


def test_without_emit_decorator_metadata_decorated_code_is_the_same_bytes(tmp_path: Path) -> None:
    made = good(tmp_path, {**FILES, "tsconfig.json": "{}"})
    assert made.files["main/pets/module.ts"] == FILES["pets/module.ts"].encode()


def test_mutated_decorated_code_never_gives_a_traceback(tmp_path: Path) -> None:
    compiled(tmp_path, FILES)
    chance = random.Random(5)
    for _ in range(80):
        name = chance.choice([name for name in FILES if name.endswith(".ts")])
        (tmp_path / name).write_bytes(mutated(FILES[name], chance).encode("utf-8", "surrogatepass"))
        compile_code(tmp_path, None, Report())
        (tmp_path / name).write_text(FILES[name], encoding="utf-8")
