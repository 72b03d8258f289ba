"""`python -m pullback` is the command `pullback`."""

import sys

from pullback.cli.main import main

sys.exit(main())
