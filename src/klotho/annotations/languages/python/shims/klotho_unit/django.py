"""`DATABASES` of Django's settings on the unit's database when it is deployed, and what it was when it is not."""

import os

ENGINE = "klotho_unit.django_postgres"
_KEPT = (
    "ATOMIC_REQUESTS",
    "AUTOCOMMIT",
    "CONN_HEALTH_CHECKS",
    "CONN_MAX_AGE",
    "DISABLE_SERVER_SIDE_CURSORS",
    "TIME_ZONE",
)
_LOCK = 0x6B6C6F74686F


def databases_of(name, local):
    if not os.environ.get("KLOTHO_UNIT"):
        return local
    import klotho

    database, own = klotho.config.datastores.get(name), local["default"]
    options = own.get("OPTIONS", {}) if "postgres" in own.get("ENGINE", "") else {}
    if database.sslmode:
        options = {**options, "sslmode": database.sslmode, "sslrootcert": database.sslrootcert}
    # Connections do not outlive a long sleep of the function: each is tried before it is used.
    kept = {"CONN_HEALTH_CHECKS": True, **{key: value for key, value in own.items() if key in _KEPT}}
    place = {"HOST": database.host, "PORT": str(database.port), "NAME": database.database, "OPTIONS": options}
    return {"default": {**kept, **place, "ENGINE": ENGINE, "KLOTHO_DATABASE": name}}


def migrate():
    """Applies migrations that the database has not got, in one process at a time."""
    from django.db import connection

    if not os.environ.get("KLOTHO_UNIT") or connection.settings_dict["ENGINE"] != ENGINE:
        return
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return
    from django.core.management import call_command

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            call_command("migrate", interactive=False, verbosity=0)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
