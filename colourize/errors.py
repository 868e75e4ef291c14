"""What a person can mend is told in one line; everything else is a fault of ours and keeps its traceback."""


class InputError(ValueError):
    """Bad input: the message states the value, the rule and the remedy on one line."""
