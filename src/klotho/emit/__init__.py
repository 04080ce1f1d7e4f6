"""Renderings of the resource graph: CloudFormation now, other tools' programs later."""

from klotho.emit.bundle import Bundle
from klotho.emit.cloudformation import render

__all__ = ["Bundle", "render"]
