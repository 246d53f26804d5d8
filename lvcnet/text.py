"""Texts that a person types, on the command line or to the API."""


def split_list(text: str) -> list[str]:
    """The parts of a list that was given with commas.

    >>> split_list("fcn, unet,")
    ['fcn', 'unet']
    """
    return [part.strip() for part in text.split(",") if part.strip()]
