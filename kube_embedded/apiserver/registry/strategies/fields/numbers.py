"""Validation of amounts and durations."""

from kube_embedded.machinery.quota.amounts import Amount
from kube_embedded.machinery.quota.names import whole

from ...errors import NOT_NEGATIVE, FieldErrors
from ...names import port_name, port_number


# pkg/apis/core/validation/validation.go: validateProjectionSources, whose limits are those of TokenRequests
def check_token_seconds(seconds: int, path: str, errors: FieldErrors) -> None:
    """Check how long a token is valid."""
    if seconds < 600:
        errors.invalid(path, seconds, "may not specify a duration less than 10 minutes")
    if seconds > 2**32:
        errors.invalid(path, seconds, "may not specify a duration larger than 2^32 seconds")


def check_amount(name: str, amount: Amount, path: str, errors: FieldErrors) -> None:
    """Require an amount that is not negative, and whole for a resource that is counted."""
    if amount.value < 0:
        errors.invalid(path, str(amount), NOT_NEGATIVE)
    # Thousandths, as in Go: a billionth of a pod is rounded up to a thousandth and refused as well.
    if whole(name) and amount.milli % 1000:
        errors.invalid(path, str(amount), "must be an integer")


def check_port(value: object, path: str, errors: FieldErrors) -> None:
    """Check a port by number or name."""
    if isinstance(value, str):
        errors.check_format(path, value, port_name)
    elif isinstance(value, int):
        errors.check_format(path, value, port_number)
