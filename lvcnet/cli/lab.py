"""`lvcnet lab`: start the lab, for one person or for a team; `lvcnet lab-user`: who may sign in."""

import importlib.util
import os
import re
import sys
from pathlib import Path

import typer

from lvcnet.accounts import Accounts, read_accounts, write_accounts
from lvcnet.errors import LvcnetError

USERS_HELP = "Who may sign in to the lab."
NEEDS = ("gradio", "streamlit", "uvicorn")
"""What only the lab imports: the extra [lab]."""
UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
USERS = typer.Argument(..., help="File of the users; only its owner may read it.")
WHO = typer.Argument(..., help="Name of the user; for the institution's login, the e-mail address.")


def lab(
    auth: Path | None = typer.Option(None, help="File of the users that may sign in (lvcnet lab-user add)."),
    address: str = typer.Option("127.0.0.1", help="Address to listen on; others than loopback need --auth."),
    port: int = typer.Option(8501, min=1, max=65535, help="Port to listen on."),
    host: list[str] = typer.Option(
        [], help="Name under which browsers ask for the lab, as lab.clinic.example."
    ),
    import_root: list[Path] = typer.Option(
        [], help="Folder below which forms may read when the lab serves others; else they take uploads only."
    ),
    upload_quota: str | None = typer.Option(None, help="Most that a user may upload in an hour, as 2GB."),
    oidc: Path | None = typer.Option(
        None,
        help="File of secrets (.toml) with the institution's own login; see docs/serving.md. Needs --auth.",
    ),
) -> None:
    """Start the lab in the browser.

    Example: lvcnet lab; for a team: lvcnet lab --auth users.json --address 0.0.0.0 --host lab.clinic.example
    """
    home = _find_lab()
    from lab.serving.settings import Serving

    if auth is not None:
        read_accounts(auth)
    if oidc is not None:
        if auth is None:
            raise LvcnetError("--oidc says who somebody is, and --auth FILE who may sign in: give both")
        if oidc.suffix != ".toml" or not oidc.is_file():
            raise LvcnetError(
                f"--oidc {oidc} is no file of secrets: name a .toml file with [auth], see docs/serving.md"
            )
    for folder in import_root:
        if not folder.is_dir():
            raise LvcnetError(f"--import-root {folder} is no folder")
    serving = Serving(
        auth=auth.absolute() if auth else None,
        hosts=tuple(host),
        import_roots=tuple(folder.resolve() for folder in import_root),
        upload_quota=parse_bytes(upload_quota) if upload_quota else None,
    )
    serving.check_address(address)
    os.environ.update(serving.to_environment())
    command = ["-m", "streamlit", "run", str(home), "--server.address", address, "--server.port", str(port)]
    command += ["--secrets.files", str(oidc.absolute())] if oidc else []
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *command])  # the server gets the signals that are meant for it


def _find_lab() -> Path:
    """The script that Streamlit runs.

    Raises:
        LvcnetError: if the library was installed without the lab.
    """
    found = importlib.util.find_spec("lab")
    missing = [name for name in NEEDS if importlib.util.find_spec(name) is None]
    if missing or found is None or found.origin is None:
        raise LvcnetError(
            f'the lab is not installed here (missing: {", ".join(missing) or "lab"}): pip install "lvcnet-lab[lab]",'
            " or in a checkout pip install -r requirements.txt"
        )
    return Path(found.origin).with_name("Home.py")


def add(
    file: Path = USERS,
    name: str = WHO,
    no_password: bool = typer.Option(
        False, help="Signs in through the institution's login or by token only."
    ),
) -> None:
    """Add a user, or give one another password; it is asked for, or read from standard input.

    Example: lvcnet lab-user add users.json anna
    """
    accounts = read_accounts(file) if file.exists() else Accounts()
    password = None if no_password else _password()
    write_accounts(file, accounts.with_user(name, password))
    typer.echo(f"{name} may sign in ({file})")


def remove(file: Path = USERS, name: str = WHO) -> None:
    """Remove a user: sessions and tokens end at once.

    Example: lvcnet lab-user remove users.json anna
    """
    write_accounts(file, read_accounts(file).without_user(name))
    typer.echo(f"{name} may not sign in any more ({file})")


def token(
    file: Path = USERS,
    name: str = WHO,
    revoke: bool = typer.Option(False, help="Take back all tokens of the user instead."),
) -> None:
    """Make a token for a user's programs, shown this once.

    Example: lvcnet lab-user token users.json anna
    """
    accounts = read_accounts(file)
    if revoke:
        write_accounts(file, accounts.without_tokens(name))
        typer.echo(f"all tokens of {name} are taken back ({file})")
        return
    changed, made = accounts.with_token(name)
    write_accounts(file, changed)
    typer.echo(made)


def users(file: Path = USERS) -> None:
    """List the users.

    Example: lvcnet lab-user list users.json
    """
    for name, account in sorted(read_accounts(file).users.items()):
        typer.echo(f"{name}  password: {'yes' if account.password else 'no'}  tokens: {len(account.tokens)}")


def parse_bytes(text: str) -> int:
    """Bytes of a size such as 500MB or 2GB.

    Raises:
        LvcnetError: if it is none.
    """
    found = re.fullmatch(r"(\d+)\s*([kmgt]?)b?", text.strip().lower())
    if found is None or int(found[1]) == 0:
        raise LvcnetError(f"{text!r} is no size: write it like 500MB or 2GB")
    return int(found[1]) * UNITS[found[2]]


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("lab")(lab)
    group = typer.Typer(help=USERS_HELP, no_args_is_help=True)
    group.command("add")(add)
    group.command("remove")(remove)
    group.command("token")(token)
    group.command("list")(users)
    app.add_typer(group, name="lab-user")
