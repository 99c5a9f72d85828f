"""Let ``python -m prismseg`` run the command."""

from prismseg.cli.main import run

if __name__ == "__main__":
    run()
