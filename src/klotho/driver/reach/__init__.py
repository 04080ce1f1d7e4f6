"""Reaching into a running environment: a service's environment, a shell beside it, a way to its database."""
