"""A database backend of Django, by the name of its package."""
