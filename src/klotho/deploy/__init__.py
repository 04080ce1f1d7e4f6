"""Brings a manifest's stacks into being on whatever answers CloudFormation's API: AWS, or the local cloud.

`assets` builds what the templates name by parameter, `orchestrator` deploys, `preview` says what would change.
Nothing here reads a clock or an environment variable: the driver hands both in.
"""
