"""The Lambda function that lets a container decide who may call an API: the runtime SDK and nothing else of Klotho.

API Gateway asks functions only. This one hands the question on over HTTP, in the VPC, and the answer back.
"""
