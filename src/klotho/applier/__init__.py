"""The Lambda function that makes objects in a Kubernetes cluster, for `Custom::KubernetesObjects`.

Its code runs in Lambda, in the cluster's network, and is shipped with the runtime SDK and nothing else. So
CloudFormation orders, rolls back and deletes what runs in the cluster as it does everything else.
"""
