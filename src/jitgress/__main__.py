"""`python -m jitgress` is the command line."""

from jitgress.cli.main import main

if __name__ == "__main__":
    main()
