"""Commands whose options are the fields of a request (`lvcnet.requests`)."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING
from typing import Annotated, Any, get_type_hints

import typer

from lvcnet.requests import Argument, Described, Form, Option, Request, described

FORMER = "former_"
"""Begins the parameters of options as they were called before."""


def takes(function: Callable[..., None]) -> Callable[..., None]:
    """A command of a function `(request, further options)`: the request's fields become options in front of the others."""
    hints = get_type_hints(function, include_extras=True)
    first, *others = inspect.signature(function).parameters.values()
    kind: type[Request] = hints[first.name]

    def command(**given: Any) -> None:
        found = {field.name: given.pop(field.name) for field in described(kind)}
        before = {name: given.pop(f"{FORMER}{name}") for name in _renamed(kind)}
        found |= {name: value for name, value in before.items() if value is not None}
        function(request_from(kind, found), **given)

    parameters = [_parameter(field) for field in described(kind)]
    parameters += [_former(field) for field in _renamed(kind).values()]
    parameters += [
        one.replace(annotation=hints[one.name], kind=inspect.Parameter.KEYWORD_ONLY) for one in others
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    command.__name__, command.__doc__ = function.__name__, function.__doc__
    return command


def _renamed(kind: type[Request]) -> dict[str, Described]:
    """Fields whose options had another name before."""
    return {
        field.name: field
        for field in described(kind)
        if isinstance(field.place, Option) and field.place.former
    }


def _former(field: Described) -> inspect.Parameter:
    """The name that an option had before: still read, and in no help."""
    assert isinstance(field.place, Option)
    about = typer.Option(field.place.former, hidden=True, help=f"What {field.place.flag} was called before.")
    return inspect.Parameter(
        f"{FORMER}{field.name}",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[str | None, about],
    )


def request_from(kind: type[Request], given: dict[str, Any]) -> Any:
    """The request that parameters of the command line say.

    Raises:
        LvcnetError: for a text that is no value of its field.
    """
    return kind(**{field.name: _value(field, given[field.name]) for field in described(kind)})


def _value(field: Described, given: Any) -> Any:
    form = field.place.form
    if form is None:
        return given
    if form.repeated:
        return form.read(list(given or ()))
    return field.default if given is None else form.read(given)


def _parameter(field: Described) -> inspect.Parameter:
    """A field as a parameter that Typer understands: text, or texts, wherever the field has a form."""
    place, form = field.place, field.place.form
    default, kind = field.default, field.kind
    if form is not None:
        kind = _with_none(list[str] if form.repeated else str, field)
        default = MISSING if default is MISSING else _written(default, form)
    help_text = place.help if isinstance(place.help, str) else place.help()
    about = (
        typer.Argument(help=help_text)
        if isinstance(place, Argument)
        else typer.Option(
            place.flag,
            help=help_text,
            metavar=place.metavar,
            min=place.least,
            show_default=default not in ("", None),
        )
    )
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if default is MISSING else default,
        annotation=Annotated[kind, about],
    )


def _with_none(kind: Any, field: Described) -> Any:
    return kind if field.default is MISSING else kind | None


def _written(default: Any, form: Form) -> Any:
    """A default as text; None, where nothing is given, stays None."""
    return None if default is None else form.write(default) or None
