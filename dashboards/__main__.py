"""``python -m dashboards``: the same as the ``teshe`` command."""

from dashboards.commands import main

main()
