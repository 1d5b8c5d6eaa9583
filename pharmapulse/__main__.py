"""`python -m pharmapulse`: the same as the command `pharmapulse`."""

from pharmapulse.cli import main

if __name__ == "__main__":
    main()
