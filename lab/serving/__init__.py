"""Who may ask the lab for what: layers around both apps, from the outside in.

`SameOrigin` (origins.py) turns away foreign names and foreign pages, and everybody but this machine where there is no login;
what is set on every answer belongs behind it; then come `Login` (login.py) and `UploadLimits` (limits.py). `OnlyUploads`
(files.py) lies directly around the Gradio app and knows what its clients may name.
"""

from starlette.middleware import Middleware

from lab.serving.limits import UploadLimits
from lab.serving.login import Login
from lab.serving.origins import SameOrigin
from lab.serving.settings import Serving


def layers(serving: Serving, institution: bool = False) -> list[Middleware]:
    """The layers that every request passes, outermost first; `institution`: its own login is there, too (oidc.py)."""
    return [
        Middleware(SameOrigin, serving),
        Middleware(Login, serving, institution),
        Middleware(UploadLimits, serving),
    ]
