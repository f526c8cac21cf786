"""`python -m lilliput` is the command line."""

import sys

from lilliput.faces.cli import main

if __name__ == "__main__":
    sys.exit(main())
