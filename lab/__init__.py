"""The Streamlit and Gradio application around `lvcnet`. It never calls home: nothing here needs a network."""

import os

# Read by gradio and huggingface_hub when they are imported, so they are set before any module of the lab is.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_RUN_HISTORY", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
