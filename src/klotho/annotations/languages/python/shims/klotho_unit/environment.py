"""Puts secrets and values of databases where the unit's code looks for them, before it is loaded: into the environment
of this process, so that no password is in a template or a configuration.

A function fails while a secret has no value, and tries again when it is called. A container that failed would be
replaced until its deployment is given up, and the first deployment is what makes the secret: it starts without the
variable, and ends when there is a value, so that the next one begins with it.
"""

import os
import signal
import sys
import threading
import time

LOOKS_AGAIN_AFTER = 10  # seconds


def given(wanted, sleep=time.sleep, end=lambda: os.kill(os.getpid(), signal.SIGTERM)):
    from klotho.runtime.errors import SecretNotSetError

    missing = []
    for variable, place in wanted.items():
        try:
            os.environ[variable] = _fetched(place)
        except SecretNotSetError as error:
            if "AWS_LAMBDA_RUNTIME_API" in os.environ:
                raise
            _say(f"{variable} is not set, and the program starts without it: {error}")
            missing.append(place)
    if missing:
        threading.Thread(target=_end_when_set, args=(missing, sleep, end), daemon=True).start()


def _fetched(place):
    import klotho

    group, name, value = place
    return str(getattr(getattr(klotho.config, group).get(name), value))


def _end_when_set(missing, sleep, end):
    while True:
        sleep(LOOKS_AGAIN_AFTER)
        try:
            for place in missing:
                _fetched(place)
        except Exception:  # not yet, or not to be asked now: the next time tells
            continue
        _say("the secrets have values now: ending, to begin again with them")
        end()
        return


def _say(line):
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
