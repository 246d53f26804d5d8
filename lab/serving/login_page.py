"""The page where one signs in, and the one where one signs out: plain HTML, no script, nothing from elsewhere."""

from html import escape
from urllib.parse import quote

from lab.serving.oidc import BEGIN

STYLE = """
:root { color-scheme: light dark; }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  color: light-dark(#0D131B, #E6EBF0); background: light-dark(#F3F5F7, #0F141A); }
main { width: 100%; max-width: 24rem; padding: 2rem; border-radius: .5rem; background: light-dark(#FFFFFF, #1A222B);
  border: 1px solid light-dark(#D5DBE1, #33404D); }
h1 { margin: 0; font-size: 1.5rem; }
p { margin: .25rem 0 1.25rem; color: light-dark(#56616D, #A3AFBA); }
label { display: block; margin: 0 0 .25rem; font-weight: 600; }
input { width: 100%; margin: 0 0 1rem; padding: .6rem .75rem; font: inherit; color: inherit; border-radius: .25rem;
  background: light-dark(#FFFFFF, #0F141A); border: 1px solid light-dark(#7C8792, #7C8792); }
button, .button { display: block; width: 100%; padding: .65rem; font: inherit; font-weight: 600; text-align: center;
  border: 0; border-radius: .25rem; cursor: pointer; text-decoration: none;
  color: light-dark(#FFFFFF, #0F141A); background: light-dark(#1668A8, #4FA8DE); }
:focus-visible { outline: 3px solid light-dark(#1668A8, #4FA8DE); outline-offset: 2px; }
.second { color: light-dark(#1668A8, #4FA8DE); background: none; border: 1px solid currentColor; }
a.second { margin-top: .75rem; }
.problem { padding: .5rem .75rem; border-radius: .25rem; color: light-dark(#8A1C1C, #FFC9C9);
  background: light-dark(#FDECEC, #4A1F24); }
.or { text-align: center; margin: 1rem 0; }
"""
FIELDS = """<label for="name">Name</label>
<input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="64" {name}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1024" {password}>
<button class="{kind}">Sign in</button>"""


def sign_in_page(then: str, problem: str = "", institution: bool = False, name: str = "") -> str:
    """The form.

    Args:
        then: where to go afterwards.
        problem: why somebody is not in yet.
        institution: one may sign in there, too.
        name: under which somebody has tried to sign in.
    """
    # a field that has the focus opens the keyboard of a phone: not where most people need no field
    focus = "" if institution and not name else "autofocus"
    fields = FIELDS.format(
        name=f'value="{escape(name)}"' if name else focus,
        password=focus if name else "",
        kind="second" if institution else "",
    )
    said = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    other = (
        f'<a class="button" href="{BEGIN}?then={quote(then, safe="")}">Sign in with your institution</a>'
        '<p class="or">or with a password of this lab</p>'
        if institution
        else ""
    )
    form = f'<form method="post" action="/login"><input type="hidden" name="then" value="{escape(then)}">{fields}</form>'
    return _page("Sign in", f"<p>Sign in to see data, runs and radiographs.</p>{said}{other}{form}")


def moving_page(said: str, address: str) -> str:
    """A page that goes on to an address by itself."""
    onwards = f'<p>{escape(said)}</p><a class="button" href="{escape(address)}">Go on</a>'
    return _page("Sign in", onwards, f'<meta http-equiv="refresh" content="0;url={escape(address)}">')


def sign_out_page(user: str) -> str:
    """A button that ends the session."""
    form = (
        '<form method="post" action="/logout"><button autofocus>Sign out</button></form>'
        '<a class="button second" href="/">Stay signed in</a>'
    )
    return _page(
        "Sign out", f"<p>You are signed in as {escape(user)}. Trainings go on without you.</p>{form}"
    )


def _page(title: str, body: str, head: str = "") -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{head}<title>{title} - LVC-Net Lab</title><style>{STYLE}</style></head>"
        f"<body><main><h1>LVC-Net Lab</h1>{body}</main></body></html>"
    )
