"""Stands in for functions of another unit: each becomes a call to it and awaits the answer."""

import asyncio
import importlib.util
import os
import sys
from pathlib import Path


def remote(unit, file, module, name):
    async def function(*args, **keywords):
        if os.environ.get("KLOTHO_UNIT"):
            return await asyncio.to_thread(_call, unit, file, name, args, keywords)
        return await getattr(_beside(unit, file, module), name)(*args, **keywords)

    function.__name__ = function.__qualname__ = name
    return function


def router(unit, file, module, name, empty):
    """A router that the other unit serves: where that unit does not run, the router itself."""
    return empty() if os.environ.get("KLOTHO_UNIT") else getattr(_beside(unit, file, module), name)


def _call(unit, file, name, args, keywords):
    import klotho
    from klotho_unit.encoding import decode, encode

    asked = {"klotho": "call", "file": file, "name": name, "arguments": encode(list(args))}
    if keywords:
        asked["keywords"] = encode(keywords)
    service = klotho.config.services.get(unit)
    answer = service.invoke(asked) if "invoke" in service.protocols else _posted(service, asked)
    if "error" in answer:
        raise decode(answer["error"])
    return decode(answer["result"])


def _posted(service, asked):
    """A unit in a container takes calls at a path of its server."""
    import json
    from urllib.request import Request, urlopen

    headers = {"Content-Type": "application/json"}
    with urlopen(Request(f"{service.url}/_klotho/call", json.dumps(asked).encode(), headers)) as response:
        return json.loads(response.read())


def _beside(unit, file, module):
    """Not deployed: the other unit's folder is the one beside this one, and its module runs in this process."""
    name = f"klotho_unit.beside.{unit}.{module}"
    if name not in sys.modules:
        folder = Path(__file__).resolve().parents[2] / unit
        sys.path.append(str(folder))
        place = folder.joinpath(*module.split("."))
        path = place.with_suffix(".py") if place.with_suffix(".py").is_file() else place / "__init__.py"
        spec = importlib.util.spec_from_file_location(name, path)
        found = importlib.util.module_from_spec(spec)
        found.__package__ = module.rpartition(".")[0]
        sys.modules[name] = found
        spec.loader.exec_module(found)
    return sys.modules[name]
