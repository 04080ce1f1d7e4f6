"""An emitter of pyee whose events reach the listeners of other units when the unit is deployed.

Listeners of this unit are called as they always were. Those of other units get copies of the arguments, a little later.
"""

import asyncio
import json
import os
import threading
import time
import traceback

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
    """What Lambda is called with."""
    for record in event["Records"]:
        await told(json.loads(record["Sns"]["Message"]))


async def told(said):
    """Calls this unit's listeners, and waits for those that are async."""
    from klotho_unit.encoding import decode

    if said["from"] == os.environ["KLOTHO_UNIT"]:
        return
    before = asyncio.all_tasks()
    emit = _EMITTERS[said["emitter"]].emit_here
    # An emitter of JavaScript has no arguments by name.
    emit(said["event"], *decode(said["arguments"]), **decode(said.get("keywords", "{}")))
    started = asyncio.all_tasks() - before
    if started:
        await asyncio.gather(*started)


def listen(names, run):
    """Receives what other units emit, in a container. `run`: runs a coroutine to its end, from any thread."""
    for name in names:
        threading.Thread(target=_receive, args=(name, run), daemon=True).start()


def _receive(name, run):
    import klotho

    topic = klotho.config.topics.get(name)
    while True:
        try:
            messages = topic.receive()
        except Exception:
            traceback.print_exc()
            time.sleep(1)
            continue
        for message in messages:
            try:
                run(told(message.payload))
                message.delete()
            except Exception:  # it comes again, five times in all
                traceback.print_exc()
