"""Which tool segments best from 20 to 300 images? The contest of `benchmarks/contest`; see --help."""

import sys

from contest.cli import main

if __name__ == "__main__":
    sys.exit(main())
