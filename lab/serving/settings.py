"""How the lab is served: `lvcnet lab` says it in environment variables, which `streamlit run lab/Home.py` reads as well."""

import ipaddress
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lvcnet.errors import LvcnetError

PREFIX = "LVCNET_LAB_"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Serving:
    """What the operator allows.

    Attributes:
        auth: file of the users that may sign in; None: nobody signs in, and only this machine is served.
        hosts: names under which browsers may ask for the lab, besides those of this machine.
        import_roots: folders below which forms may read where the lab serves others.
        upload_quota: bytes that one user may upload in an hour.
    """

    auth: Path | None = None
    hosts: tuple[str, ...] = ()
    import_roots: tuple[Path, ...] = ()
    upload_quota: int | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Serving":
        """Read LVCNET_LAB_AUTH, _HOSTS (commas), _IMPORT_ROOTS (as in PATH) and _UPLOAD_QUOTA (bytes).

        Raises:
            LvcnetError: if the quota is no number.
        """
        given = {name: environment.get(f"{PREFIX}{name}", "") for name in _NAMES}
        quota = given["UPLOAD_QUOTA"]
        if quota and not quota.isdecimal():
            raise LvcnetError(f"{PREFIX}UPLOAD_QUOTA is {quota!r}: give bytes an hour, such as 2000000000")
        return cls(
            auth=Path(given["AUTH"]).absolute() if given["AUTH"] else None,
            hosts=tuple(part.strip().lower() for part in given["HOSTS"].split(",") if part.strip()),
            import_roots=tuple(Path(part) for part in given["IMPORT_ROOTS"].split(os.pathsep) if part),
            upload_quota=int(quota) if quota else None,
        )

    def to_environment(self) -> dict[str, str]:
        """The variables that `from_environment` reads."""
        values = (
            str(self.auth or ""),
            ",".join(self.hosts),
            os.pathsep.join(map(str, self.import_roots)),
            str(self.upload_quota or ""),
        )
        return {f"{PREFIX}{name}": value for name, value in zip(_NAMES, values, strict=True)}

    def check_address(self, address: str | None) -> None:
        """Refuse an address that others reach, where nobody has to sign in.

        Args:
            address: what the server binds to; None: all interfaces.

        Raises:
            LvcnetError: if it must not be served there.
        """
        if self.auth is None and not is_loopback(address):
            raise LvcnetError(
                f"the lab will not listen on {address or 'all interfaces'} without a login: start it with"
                " `lvcnet lab --address ADDRESS --auth FILE`, or keep 127.0.0.1 and tunnel the port (docs/serving.md)"
            )


_NAMES = ("AUTH", "HOSTS", "IMPORT_ROOTS", "UPLOAD_QUOTA")


def is_loopback(address: str | None) -> bool:
    """Whether only this machine reaches an address: a number, or a name of which all numbers are such."""
    if not address:
        return False
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(address, None)}
    except OSError:
        return False
    return bool(found) and all(_local(number) for number in found)


def _local(number: str) -> bool:
    found = ipaddress.ip_address(number.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_loopback)
