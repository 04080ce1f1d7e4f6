"""Reads annotated code (`@klotho::…` in comments) and makes an application of it; see `compiling`."""
