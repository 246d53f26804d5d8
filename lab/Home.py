"""`streamlit run lab/Home.py`: Streamlit pages and the Gradio app on one port.

A short ASGI launcher: Streamlit finds `app`, serves the script ui/navigation.py at / and whatever is mounted beside it.
Gradio's queue only works while the lifespan of its app is entered; a mounted app's is not unless we do it here.
"""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
import uvicorn
from starlette.middleware import Middleware
from starlette.responses import FileResponse, RedirectResponse
from starlette.routing import Route

from lab.inference import app as inference_app
from lab.inference import predicting
from lab.inference import style as inference_style
from lab.serving import layers, oidc
from lab.serving.settings import Serving
from lab.ui import navigation
from lab.ui.charts import LIBRARY
from lab.ui.content_policy import ContentPolicy
from lab.ui.owners import BrowserCookie
from lvcnet import jobs
from lvcnet.accounts import read_accounts
from lvcnet.errors import LvcnetError
from lvcnet.priority import step_back
from lvcnet.scratch import delete_scratch

GRADIO_PATH = "/gradio"
REDIRECTS = {GRADIO_PATH: f"{GRADIO_PATH}/", "/overview": "/"}
"""Addresses that people type, and where Gradio and Streamlit's first page really are."""

serving = Serving.from_environment()
institution = False
try:
    serving.check_address(st.get_option("server.address"))
    if serving.auth is not None:
        read_accounts(serving.auth)
        institution = oidc.is_ready(serving)
except LvcnetError as error:
    sys.exit(f"lvcnet lab: {error}")
step_back(predicting.niceness(predicting.PAGES))  # before there are threads, which inherit it
gradio_host = inference_app.mounted(GRADIO_PATH)


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Put the queue in order, then keep Gradio's own lifespan open as long as the lab runs."""
    # Streamlit lets uvicorn wait for open streams without end when it is to stop; then it would be killed, uploads and all.
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    if isinstance(server, uvicorn.Server):
        server.config.timeout_graceful_shutdown = inference_app.LAST_SECONDS
    try:
        await asyncio.to_thread(jobs.recover)
    except Exception:
        logging.getLogger(__name__).exception("could not put the queue in order; the lab starts all the same")
    # Streamlit collects garbage after every run of a page, and meanwhile no thread can go on: what lives as long as the lab
    # (a quarter of a second's worth of modules) need not be looked at each time.
    gc.collect()
    gc.freeze()
    async with gradio_host.router.lifespan_context(gradio_host):
        yield
    delete_scratch()  # uvicorn loads this file with its own handler of SIGTERM, after which the process just dies


app = st.App(
    Path(navigation.__file__),
    lifespan=lifespan,
    middleware=[
        Middleware(
            ContentPolicy,
            scripts=[navigation.ONE_STEP_A_PAGE, inference_style.HEAD],
            gradio=f"{GRADIO_PATH}/",
        ),
        *layers(serving, institution),
        Middleware(BrowserCookie),
    ],
    routes=[
        *(Route(path, RedirectResponse(target)) for path, target in REDIRECTS.items()),
        Route(f"/{LIBRARY.name}", FileResponse(LIBRARY)),  # asked for by the buttons that save figures
        *gradio_host.routes,
    ],
)
