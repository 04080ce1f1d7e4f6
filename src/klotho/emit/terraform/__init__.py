"""The graph as Terraform modules on `awscc`, with `aws` for what it lacks."""
