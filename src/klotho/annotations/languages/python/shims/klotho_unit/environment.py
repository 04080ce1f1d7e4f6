"""Puts secrets where the unit's code looks for them, before it is loaded: into the environment of this process."""

import os


def given(names):
    import klotho

    for variable, name in names.items():
        os.environ[variable] = klotho.config.secrets.get(name).value
