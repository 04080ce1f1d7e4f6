"""Commands of one area each; `klotho.cli.app` adds them to the command line."""
