"""The Streamlit application around `lvcnet`."""
