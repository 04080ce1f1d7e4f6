"""Container images for AWS: built by an engine of this machine, kept in ECR, pinned by digest."""
