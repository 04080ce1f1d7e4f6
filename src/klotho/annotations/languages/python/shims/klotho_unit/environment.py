"""Puts secrets and values of databases where the unit's code looks for them, before it is loaded: into the environment
of this process, so that no password is in a template or a configuration."""

import os


def given(wanted):
    import klotho

    for variable, (group, name, value) in wanted.items():
        os.environ[variable] = str(getattr(getattr(klotho.config, group).get(name), value))
