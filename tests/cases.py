"""How many generated cases and kills there are: few in `make test`, more in `make test-all`, many in `make fuzz`."""

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "few")
EVERY_TEST = PROFILE != "few"  # those marked `thorough` too


def cases(number: int) -> int:
    """`number` in `make test-all`, a quarter of it in `make test`."""
    return number if EVERY_TEST else max(2, number // 4)
