"""Who may sign in to a lab that serves others: one JSON file that only its owner can read.

Passwords are kept as scrypt hashes (RFC 7914), tokens for programs as SHA-256 of 256 random bits. A user without a password
signs in through the institution's own login (OIDC), where that is configured, or by token only.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lvcnet.errors import LvcnetError

VERSION = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
SHORTEST = 12
COST, BLOCK, PARALLEL = 2**15, 8, 1
"""Of scrypt: 32 MiB and about a tenth of a second for a guess."""


@dataclass(frozen=True)
class Account:
    """One user: the hash of the password, if there is one, and of every token."""

    password: str | None = None
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True)
class Accounts:
    """The users of a file, by name."""

    users: dict[str, Account] = field(default_factory=dict)

    def with_user(self, name: str, password: str | None) -> "Accounts":
        """With a user added or given another password; tokens stay.

        Raises:
            LvcnetError: if the name or the password cannot be used.
        """
        if not NAME.fullmatch(name):
            raise LvcnetError(
                f"{name!r} is no user name: use 1 to 64 letters, digits and ._@+- such as anna@clinic.example"
            )
        if password is not None and len(password) < SHORTEST:
            raise LvcnetError(f"the password has {len(password)} characters: use {SHORTEST} at least")
        account = self.users.get(name, Account())
        hashed = None if password is None else hash_password(password)
        return Accounts({**self.users, name: replace(account, password=hashed)})

    def without_user(self, name: str) -> "Accounts":
        """Without a user, whose sessions and tokens end.

        Raises:
            LvcnetError: if there is no such user.
        """
        self.of(name)
        return Accounts({key: account for key, account in self.users.items() if key != name})

    def with_token(self, name: str) -> tuple["Accounts", str]:
        """With one more token of a user, and that token, which is not kept.

        Raises:
            LvcnetError: if there is no such user.
        """
        token = secrets.token_urlsafe(32)
        account = self.of(name)
        changed = replace(account, tokens=(*account.tokens, _digest(token)))
        return Accounts({**self.users, name: changed}), token

    def without_tokens(self, name: str) -> "Accounts":
        """With all tokens of a user taken back.

        Raises:
            LvcnetError: if there is no such user.
        """
        return Accounts({**self.users, name: replace(self.of(name), tokens=())})

    def of(self, name: str) -> Account:
        """The account of a user.

        Raises:
            LvcnetError: if there is none.
        """
        if name not in self.users:
            raise LvcnetError(
                f"there is no user {name!r}: there are {', '.join(sorted(self.users)) or 'none'}"
            )
        return self.users[name]

    def has_password(self, name: str, password: str) -> bool:
        """Whether a password is the user's; an unknown name takes as long as a known one."""
        account = self.users.get(name)
        known = account.password if account else None
        return matches(password, known or _NOBODY) and known is not None

    def owner(self, token: str) -> str | None:
        """Whose token it is."""
        digest, found = _digest(token), None
        for name, account in self.users.items():
            for kept in account.tokens:
                if hmac.compare_digest(kept, digest):
                    found = name
        return found


def read_accounts(path: Path) -> Accounts:
    """Read a file of users.

    Raises:
        LvcnetError: if it is missing, can be read by others, or is not such a file.
    """
    try:
        with path.open(encoding="utf-8") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            if os.name == "posix" and mode & 0o077:
                raise LvcnetError(f"{path} can be read by others (mode {mode:o}): chmod 600 {path}")
            content = json.load(stream)
        return _parse(content)
    except FileNotFoundError:
        raise LvcnetError(
            f"there is no file {path}: add the first user with `lvcnet lab-user add {path} NAME`"
        ) from None
    except OSError as error:
        raise LvcnetError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise LvcnetError(
            f"{path} is no file of users: make one with `lvcnet lab-user add FILE NAME`"
        ) from None


def write_accounts(path: Path, accounts: Accounts) -> None:
    """Replace a file of users as a whole; only its owner can read it (mode 600)."""
    users = {
        name: {"password": account.password, "tokens": list(account.tokens)}
        for name, account in sorted(accounts.users.items())
    }
    text = json.dumps({"format": "lvcnet-users", "version": VERSION, "users": users}, indent=2)
    handle, temporary = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text + "\n")
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def hash_password(password: str) -> str:
    """`scrypt$cost$block$parallel$salt$hash`, numbers in decimal and bytes in hexadecimal."""
    salt = secrets.token_bytes(16)
    return f"scrypt${COST}${BLOCK}${PARALLEL}${salt.hex()}${_scrypt(password, salt, COST, BLOCK, PARALLEL).hex()}"


def matches(password: str, hashed: str) -> bool:
    """Whether a password has that hash; takes the same time for every wrong one.

    Raises:
        ValueError: if the hash is not one.
    """
    kind, cost, block, parallel, salt, expected = hashed.split("$")
    if kind != "scrypt":
        raise ValueError(kind)
    found = _scrypt(password, bytes.fromhex(salt), int(cost), int(block), int(parallel))
    return hmac.compare_digest(found, bytes.fromhex(expected))


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=2**27, dklen=32)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _parse(content: Any) -> Accounts:
    if content["format"] != "lvcnet-users" or content["version"] != VERSION:
        raise ValueError(content["version"])
    users = {}
    for name, entry in content["users"].items():
        password, tokens = entry["password"], tuple(entry["tokens"])
        if not NAME.fullmatch(name) or not all(isinstance(token, str) for token in tokens):
            raise ValueError(name)
        if password is not None and len(str(password).split("$")) != 6:
            raise ValueError(name)
        users[name] = Account(password, tokens)
    return Accounts(users)


_NOBODY = f"scrypt${COST}${BLOCK}${PARALLEL}${'00' * 16}${'00' * 32}"
