"""CloudFormation of the local cloud: templates in, live resources and a durable journal out.

`engine.Engine` runs stack operations, `service.CloudFormationService` serves them in AWS's wire format.
"""
