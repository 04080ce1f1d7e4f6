"""Answers a call of another unit: the function's result, or what it raised."""

from klotho_unit import unit


async def answered(event):
    from klotho_unit.encoding import decode, encode

    names, load = unit.CALLS.get(event["file"], ((), None))
    if event["name"] not in names:
        raise LookupError(f"unit {unit.NAME} has no function {event['name']} in {event['file']} that others may call")
    function = getattr(load(), event["name"])
    try:
        keywords = decode(event["keywords"]) if "keywords" in event else {}
        return {"result": encode(await function(*decode(event["arguments"]), **keywords))}
    except Exception as error:  # whatever it raises is raised where it was called
        return {"error": encode(error)}
