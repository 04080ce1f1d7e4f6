"""An emitter of pyee whose events reach the listeners of other units when the unit is deployed.

Listeners of this unit are called as they always were. Those of other units get copies of the arguments, a little later.
"""

import asyncio
import json
import os

_EMITTERS = {}
_OWN = ("new_listener",)  # pyee's own event, with a function as its argument


def emitter(name, make):
    """For a unit that other units listen to."""
    return _made(name, make, publishes=True)


def listener(name, make):
    """For a unit that only listens to others."""
    return _made(name, make, publishes=False)


def _made(name, make, publishes):
    if not os.environ.get("KLOTHO_UNIT"):
        return make

    class Emitter(make):
        def emit(self, event, *args, **keywords):
            handled = super().emit(event, *args, **keywords)
            if event in _OWN or not publishes:
                return handled
            _publish(name, event, args, keywords)
            return True

        def emit_here(self, event, *args, **keywords):
            return super().emit(event, *args, **keywords)

    def made(*args, **options):
        _EMITTERS[name] = Emitter(*args, **options)
        return _EMITTERS[name]

    return made


def _publish(name, event, args, keywords):
    import klotho
    from klotho_unit.encoding import encode

    told = {"emitter": name, "event": event, "arguments": encode(args), "keywords": encode(keywords)}
    klotho.config.topics.get(name).publish({**told, "from": os.environ["KLOTHO_UNIT"]})


async def received(event):
    """Calls this unit's listeners, and waits for those that are async."""
    from klotho_unit.encoding import decode

    before = asyncio.all_tasks()
    for record in event["Records"]:
        told = json.loads(record["Sns"]["Message"])
        if told["from"] != os.environ["KLOTHO_UNIT"]:
            emit = _EMITTERS[told["emitter"]].emit_here
            emit(told["event"], *decode(told["arguments"]), **decode(told["keywords"]))
    started = asyncio.all_tasks() - before
    if started:
        await asyncio.gather(*started)
