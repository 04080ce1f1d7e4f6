"""The resolver: from what an application needs to the AWS resources that give it."""

from klotho.engine.pipeline import PASSES, Resolution, graph_elsewhere, report_mistakes, resolve

__all__ = ["PASSES", "Resolution", "graph_elsewhere", "report_mistakes", "resolve"]
