"""Who is signed in: random session names with an end, the users' file read anew when it changes, and a brake on guessing."""

import hashlib
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

from lvcnet.accounts import Account, Accounts, read_accounts

LASTS = 12 * 3600.0
WINDOW = 600.0
MOST_OF_NAME, MOST_OF_ADDRESS = 10, 50
MOST_KEPT = 10_000


@dataclass(frozen=True)
class Session:
    """One browser that signed in, with the account as it was then: another password ends the session.

    Attributes:
        user: name of the account.
        password: its hash.
        ends: when, in seconds since 1970.
        institution: what it takes to sign out there, if the user came from there (oidc.py).
    """

    user: str
    password: str | None
    ends: float
    institution: dict[str, str] = field(default_factory=dict)


class Users:
    """The accounts of a file, and their sessions."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            LvcnetError: if it cannot be used.
        """
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._accounts = Accounts()
        self._sessions: dict[str, Session] = {}
        self._failures: dict[str, list[float]] = {}
        self.accounts()

    def accounts(self) -> Accounts:
        """The accounts as the file has them now.

        Raises:
            LvcnetError: if it cannot be used.
        """
        found = self.path.stat() if self.path.exists() else None
        seen = (found.st_mtime_ns, found.st_ino) if found else None
        if seen is None or seen != self._seen:
            self._accounts, self._seen = read_accounts(self.path), seen
        return self._accounts

    def account(self, name: str) -> Account | None:
        """The account of a user, if there still is one."""
        return self.accounts().users.get(name)

    def begin(self, user: str, institution: dict[str, str] | None = None) -> str:
        """A new session, never one that the browser has named; the value of its cookie."""
        now, name = time.time(), secrets.token_urlsafe(32)
        self._sessions = {key: session for key, session in self._sessions.items() if session.ends > now}
        account = self.account(user)
        password = account.password if account else None
        self._sessions[_key(name)] = Session(user, password, now + LASTS, institution or {})
        return name

    def end(self, cookie: str) -> Session | None:
        """Forget a session; the session, if there was one."""
        return self._sessions.pop(_key(cookie), None)

    def signed_in(self, cookie: str) -> str | None:
        """The user of a session that has not ended."""
        session = self._sessions.get(_key(cookie))
        if session is None or session.ends <= time.time():
            return None
        account = self.account(session.user)
        return session.user if account is not None and account.password == session.password else None

    def may_try(self, name: str, address: str) -> bool:
        """Whether a name and an address have failed seldom enough in the last ten minutes."""
        return (
            self._recent(f"name {name}") < MOST_OF_NAME and self._recent(f"from {address}") < MOST_OF_ADDRESS
        )

    def failed(self, name: str, address: str) -> None:
        """Note a wrong password, or name."""
        if len(self._failures) > MOST_KEPT:
            for key in list(self._failures):
                self._recent(key)
        for key in (f"name {name}", f"from {address}"):
            self._failures.setdefault(key, []).append(time.time())

    def forgive(self, name: str, address: str) -> None:
        """Take back the failure that was noted before the password turned out to be right."""
        for key in (f"name {name}", f"from {address}"):
            self._failures[key] = self._failures.get(key, [])[:-1]

    def _recent(self, key: str) -> int:
        since = time.time() - WINDOW
        recent = [when for when in self._failures.get(key, []) if when > since]
        if recent:
            self._failures[key] = recent
        else:
            self._failures.pop(key, None)
        return len(recent)


def _key(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
