"""Environment variables with values of the unit's databases and caches, set before its code is loaded.

They are in this process only: an address holds a password, which is in no template and in no configuration.
"""

import os


def set_variables(wanted):
    if not os.environ.get("KLOTHO_UNIT"):
        return
    import klotho

    for name, (store, value) in wanted.items():
        os.environ[name] = str(getattr(klotho.config.datastores.get(store), value))
