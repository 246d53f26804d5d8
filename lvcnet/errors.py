"""The one error type that is meant for the person in front of the screen."""


class LvcnetError(Exception):
    """Something the user can mend.

    The message says what was given, what is allowed and what to do. The CLI prints it on one line and exits
    with status 2; the lab shows it in place.
    """
