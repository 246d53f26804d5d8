"""Texts that a person types, on the command line or to the API, and small ones that are said to people."""


def counted(count: int, thing: str) -> str:
    """A number with its noun.

    >>> counted(1, "run"), counted(12, "run")
    ('1 run', '12 runs')
    """
    return f"{count} {thing}{'' if count == 1 else 's'}"


def split_list(text: str) -> list[str]:
    """The parts of a list that was given with commas.

    >>> split_list("fcn, unet,")
    ['fcn', 'unet']
    """
    return [part.strip() for part in text.split(",") if part.strip()]
