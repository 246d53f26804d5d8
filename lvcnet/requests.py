"""An action as one value: the command line is parsed into it, a form fills it, the library does it.

A request is a frozen dataclass. Its fields say how they stand on the command line, and nothing else does: the options of
`lvcnet`, their help and defaults, and the command that a page shows are all made from them.

    @dataclass(frozen=True)
    class NoiseRequest(Request):
        COMMAND = ("noise",)
        dataset: Annotated[str, Argument("Data set.")]
        levels: Annotated[tuple[int, ...], Option("--levels", "Noise levels.", LEVELS)] = (1, 2, 3, 4)

Modules of requests import nothing heavy; what a request does imports what it needs. Help that needs more than that is a
function, called by whoever shows it.
"""

from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

from lvcnet.text import split_list

Help = str | Callable[[], str]


@dataclass(frozen=True)
class Form:
    """How a value stands on the command line, where that is not plain from its type.

    Attributes:
        read: text to value, or several texts to value where the option is repeated; raises `LvcnetError`.
        write: the way back: whatever it returns, `read` makes the same value of it.
        repeated: whether the option may be given several times.
    """

    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    repeated: bool = False


WORDS = Form(lambda text: tuple(split_list(text)), ",".join)
"""Several words, with commas."""
MANY = Form(tuple, list, repeated=True)
"""Several words, each an argument or option of its own."""
PATH = Form(Path, str)


@dataclass(frozen=True)
class Argument:
    """A field that is known by its place on the command line."""

    help: Help
    form: Form | None = None


@dataclass(frozen=True)
class Option:
    """A field that is an option.

    Attributes:
        flag: as on the command line; for a switch that can be off by default both, `--evaluate/--no-evaluate`.
        help: one sentence.
        form: how its value is text.
        metavar: what the help shows in place of the value.
        least: of a number.
        former: what it was called before, which is still read and shown nowhere.
        always: whether a command shows it also where it has its default, because it says what the command is about.
    """

    flag: str
    help: Help
    form: Form | None = None
    metavar: str | None = None
    least: int | None = None
    former: str | None = None
    always: bool = False


@dataclass(frozen=True)
class Described:
    """A field of a request: its name, type, default (`MISSING` if there is none) and place on the command line."""

    name: str
    kind: Any
    default: Any
    place: Argument | Option


class Request:
    """What all requests have: the command that says the same."""

    COMMAND: ClassVar[tuple[str, ...]]

    def command(self) -> list[str]:
        """Arguments of `lvcnet`, of which options with their default are left out."""
        arguments: list[str] = []
        options: list[str] = []
        for field in described(type(self)):
            value = getattr(self, field.name)
            if isinstance(field.place, Argument):
                arguments += [] if value is None else _texts(value, field.place.form)
            elif value != field.default or (field.place.always and value is not None):
                options += _option(field.place, value)
        return [*self.COMMAND, *arguments, *options]


def described(request: type[Request]) -> Iterator[Described]:
    """The fields of a request."""
    hints = get_type_hints(request, include_extras=True)
    for field in fields(request):  # type: ignore[arg-type]  # every request is a dataclass
        assert get_origin(hints[field.name]) is Annotated, f"{request.__name__}.{field.name} has no place"
        kind, place = get_args(hints[field.name])
        yield Described(field.name, kind, _default(field), place)


def _default(field: "Field[Any]") -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _texts(value: Any, form: Form | None) -> list[str]:
    """The texts of a value."""
    written = value if form is None else form.write(value)
    return list(written) if form is not None and form.repeated else [str(written)]


def _option(option: Option, value: Any) -> list[str]:
    """An option with its value, as often as it takes."""
    if isinstance(value, bool):
        on, _, off = option.flag.partition("/")
        return [on if value else off]
    if isinstance(value, float) and option.form is None:
        value = repr(value).removesuffix(".0")
    return [part for text in _texts(value, option.form) for part in (option.flag, text)]
