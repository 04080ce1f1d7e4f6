"""Tests of the deployer, with CloudFormation in memory."""
