"""`python -m klotho.cli`: the same as `klotho`."""

from klotho.cli import main

if __name__ == "__main__":
    main()
