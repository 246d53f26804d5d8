"""The Gradio app that segments radiographs: pages, endpoints for programs, and the process that predicts."""
