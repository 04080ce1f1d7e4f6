"""Publishes static sites: builds their files, puts what changed into the bucket, and tells the CDN what to forget."""
