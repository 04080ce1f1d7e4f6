"""The graph as Pulumi programs on `pulumi-aws-native`, with `pulumi-aws` for what it lacks."""
