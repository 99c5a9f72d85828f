"""Let ``python -m prismseg.cli`` (and ``accelerate launch -m prismseg.cli``) run the command."""

from prismseg.cli.main import run

run()
