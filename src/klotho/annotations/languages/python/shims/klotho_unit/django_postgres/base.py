"""Django's own backend for PostgreSQL, with the login of now for each connection."""

from django.db.backends.postgresql import base

import klotho


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self):
        database = klotho.config.datastores.get(self.settings_dict["KLOTHO_DATABASE"])
        return {**super().get_connection_params(), "user": database.user, "password": database.password}
