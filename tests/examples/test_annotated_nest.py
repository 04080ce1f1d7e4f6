"""A NestJS application in two units answers as the original, which its own scripts build, on every route."""

from __future__ import annotations

import json

import pytest

from tests.examples.conftest import Deploy
from tests.examples.test_annotated_pets import verified

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]

PACKAGE = {
    "name": "pets",
    "version": "1.0.0",
    "scripts": {"build": "tsc", "start:prod": "node dist/main"},
    "dependencies": {
        "@nestjs/common": "10.4.15",
        "@nestjs/core": "10.4.15",
        "@nestjs/platform-express": "10.4.15",
        "class-transformer": "0.5.1",
        "class-validator": "0.14.1",
        "reflect-metadata": "0.2.2",
        "rxjs": "7.8.1",
    },
    "devDependencies": {"@types/express": "4.17.21", "@types/node": "20.14.0", "typescript": "5.6.3"},
}
OPTIONS = {
    "module": "commonjs",
    "target": "ES2022",
    "experimentalDecorators": True,
    "emitDecoratorMetadata": True,
    "outDir": "dist",
    "rootDir": "src",
    "skipLibCheck": True,
}
FILES = {
    "package.json": json.dumps(PACKAGE),
    "tsconfig.json": json.dumps({"compilerOptions": OPTIONS, "include": ["src"]}),
    "src/main.ts": """import { ValidationPipe } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { AppModule } from "./app.module";

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  app.setGlobalPrefix("api");
  app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true }));
  // @klotho::expose { id = "pets-api" }
  await app.listen(process.env.PORT ?? 3000);
}
bootstrap();
""",
    "src/app.module.ts": """import { Controller, Get, Module } from "@nestjs/common";
import { PetsModule } from "./pets/pets.module";

@Controller()
class AppController {
  @Get()
  hello(): string {
    return "Pets, looking for a home";
  }
}

@Module({ imports: [PetsModule], controllers: [AppController] })
export class AppModule {}
""",
    "src/pets/pets.module.ts": """import { Module } from "@nestjs/common";
import { PetsController } from "./pets.controller";
import { PetsService } from "./pets.service";

@Module({ controllers: [PetsController], providers: [PetsService] })
export class PetsModule {}
""",
    "src/pets/pet.ts": """import { Type } from "class-transformer";
import { IsInt, IsOptional, IsString, Min, ValidateNested } from "class-validator";

export interface Pet { id: number; name: string; rating: number; age?: number }

export class Toy {
  @IsString() name: string;
}

export class CreatePet {
  @IsString()
  name: string;

  @IsOptional() @IsInt() @Min(0)
  age?: number;

  @IsOptional() @ValidateNested() @Type(() => Toy)
  toy?: Toy;
}

export class Page {
  @IsOptional() @Type() @IsInt()
  limit?: number;
}
""",
    "src/pets/pets.service.ts": """import { Injectable, NotFoundException } from "@nestjs/common";
import { rate } from "../rating";
import { CreatePet, Pet } from "./pet";

// @klotho::persist { id = "pets" }
const pets = new Map<number, Pet>();

@Injectable()
export class PetsService {
  async all(limit = 10): Promise<Pet[]> {
    return [...(await pets.values())].slice(0, limit);
  }

  async add(id: number, { name, age }: CreatePet): Promise<Pet> {
    const pet = { id, name, rating: await rate(name), age };
    await pets.set(id, pet);
    return pet;
  }

  async one(id: number): Promise<Pet> {
    const pet = await pets.get(id);
    if (!pet) throw new NotFoundException(`no pet ${id}`);
    return pet;
  }
}
""",
    "src/pets/pets.controller.ts": """import { Body, Controller, Delete, Get, Header } from "@nestjs/common";
import { Param, Put, Query, Res } from "@nestjs/common";
import type { Response } from "express";
import { CreatePet, Page, Pet } from "./pet";
import { PetsService } from "./pets.service";

@Controller("pets")
export class PetsController {
  constructor(private readonly pets: PetsService) {}

  @Get()
  all(@Query() page: Page): Promise<Pet[]> {
    return this.pets.all(page.limit);
  }

  @Get(":id")
  @Header("cache-control", "none")
  one(@Param("id") id: number): Promise<Pet> {
    return this.pets.one(id);
  }

  @Put(":id")
  add(@Param("id") id: number, @Body() body: CreatePet): Promise<Pet> {
    return this.pets.add(id, body);
  }

  @Delete()
  gone(@Query("why") why: string, @Res() response: Response): void {
    response.status(410).send(`gone: ${why}`);
  }
}
""",
    "src/rating.ts": """// @klotho::execution_unit { id = "rating" }
export async function rate(name: string): Promise<number> {
  return name.length;
}
""",
    "requests.json": json.dumps(
        [
            {"path": "/api"},
            {"path": "/"},
            {
                "method": "PUT",
                "path": "/api/pets/1",
                "body": {"name": "Rex", "age": 3, "toy": {"name": "ball"}, "x": 1},
            },
            {"method": "PUT", "path": "/api/pets/2", "body": {"name": "Tom"}},
            {"method": "PUT", "path": "/api/pets/3", "body": {"name": 7, "age": -1, "toy": {}}},
            {"path": "/api/pets/1"},
            {"path": "/api/pets?limit=1"},
            {"path": "/api/pets?limit=x"},
            {"path": "/api/pets/7"},
            {"method": "DELETE", "path": "/api/pets?why=no"},
            {"method": "POST", "path": "/api/pets"},
        ]
    ),
}


def test_nestjs_with_modules_injection_and_validation_answers_as_the_original_on_every_route(deploy: Deploy) -> None:
    deployment = deploy("annotated-pets")
    for path in deployment.folder.rglob("*.js*"):
        path.unlink()
    for name, content in FILES.items():
        (deployment.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (deployment.folder / name).write_text(content, encoding="utf-8")
    assert {"main-unit", "rating-unit"} <= set(deployment.up())
    verified(deployment)
