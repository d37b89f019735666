"""`python -m workbench.sources.embedded WHEEL ...`: print `pins.toml` computed from the whole wheels."""

import sys

from workbench.errors import WorkbenchError
from workbench.sources.embedded.pins import compute_all

try:
    print(compute_all(sys.argv[1:]), end="")
except WorkbenchError as error:
    sys.exit(str(error))
