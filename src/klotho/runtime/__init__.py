"""The runtime SDK: what a deployed service imports as `klotho.config`. Standard library only; see
`config.py`.

This package is copied into every asset together with a minimal `klotho/__init__.py` (see `assets.py`), so nothing in it
may import the rest of Klotho.
"""
