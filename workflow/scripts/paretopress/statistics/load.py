"""When a machine is too busy for its times to be compared."""

# Cores. Our own threshold: the paper names none.
BUSY_CORES = 0.5


def busy(load: float) -> bool:
    """Tell whether other work kept the machine too busy for its times to decide anything.

    Args:
        load: The cores that other work kept busy, at least 0. NaN if that is not known.

    Returns:
        True if the load is BUSY_CORES or more, or is not known.
    """
    return not load < BUSY_CORES
