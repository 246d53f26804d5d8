"""How the inference app looks: its colours, its CSS, and the script of its page."""

import gradio as gr

from lab.ui.web_component import WEB

HEAD = f"<script>\n{(WEB / 'inference.js').read_text(encoding='utf-8')}</script>\n"
"""Runs before Gradio's own scripts."""
# gr.HTML's tables and notes; Gradio's own components where a phone needs other sizes.
CSS = """
.gradio-container .main {
  padding: 1rem !important; margin-top: 0 !important; max-width: 1500px !important; flex-grow: 0 !important;
}
.dark { --color-accent: #4FA8DE; }
.gradio-container :focus-visible { outline: 2px solid var(--color-accent) !important; outline-offset: 2px; }
.framed .gradio-container .main { padding: 0 !important; max-width: none !important; }
.notice p { opacity: 0.8; font-size: 0.9rem; }
.caption-label { font-size: 0.75rem !important; max-width: 100% !important; white-space: normal !important; }
/* a long name ends before the arrow */
.secondary-wrap input { padding-right: 1.5rem !important; text-overflow: ellipsis; }
.samples .grid-wrap, .compared .grid-wrap {
  height: auto !important; min-height: 0 !important; max-height: none !important;
}
.samples .grid-container { grid-template-columns: repeat(4, minmax(0, 1fr)) !important; }
.sizes .scroll { overflow-x: auto; }
.sizes table {
  border: 0 !important; border-collapse: collapse; width: 100%; font-size: 0.85rem; font-variant-numeric: tabular-nums;
}
.sizes th, .sizes td {
  border: 0 !important; text-align: right !important; padding: 0.4rem 0 0.4rem 0.5rem !important;
  white-space: nowrap; vertical-align: top;
}
.sizes tr { border: 0 !important; border-bottom: 1px solid var(--border-color-primary) !important; }
.sizes thead th { white-space: normal; vertical-align: bottom; }
.sizes tbody th { font-weight: 400; }
.sizes .text { text-align: left !important; white-space: normal; overflow-wrap: anywhere; min-width: 7rem; }
.sizes .text:first-child { padding-left: 0 !important; }
.sizes p { margin: 0.5rem 0; }
.sizes small, .sizes .note { opacity: 0.8; font-size: 0.85rem; }
.sizes .swatch { display: inline-block; width: 0.8em; height: 0.8em; margin-right: 0.4em; border-radius: 2px; }
.sizes .problem { display: block; max-width: min(70vw, 45rem); }
.sizes progress { appearance: none; width: 100%; height: 0.5rem; border: 0; background: var(--border-color-primary); }
.sizes progress::-webkit-progress-bar { background: var(--border-color-primary); }
.sizes progress::-webkit-progress-value { background: var(--color-accent); }
.sizes progress::-moz-progress-bar { background: var(--color-accent); }
.downloads { display: grid !important; grid-template-columns: repeat(3, minmax(0, 1fr)); }
@media (max-width: 1100px) {
  .compared .grid-container { grid-template-columns: repeat(2, minmax(0, 1fr)) !important; }
}
@media (max-width: 640px) {
  .picture { height: 370px !important; }
  .downloads { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .compared .grid-container { grid-template-columns: minmax(0, 1fr) !important; }
  .maps .grid-container { grid-template-columns: repeat(2, minmax(0, 1fr)) !important; }
}
"""


def theme() -> gr.themes.Base:
    """The lab's colours (see lab/.streamlit/config.toml) and the system's own font: nothing is fetched."""
    fonts = [
        gr.themes.Font(name) for name in ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
    ]
    mono = [gr.themes.Font(name) for name in ("ui-monospace", "Consolas", "monospace")]
    base = gr.themes.Default(
        primary_hue="sky", neutral_hue="slate", radius_size="sm", font=fonts, font_mono=mono
    )
    return base.set(
        body_background_fill="#FFFFFF",
        body_background_fill_dark="#0F141A",
        body_text_color_subdued="*neutral_600",
        button_primary_background_fill="#1668A8",
        button_primary_background_fill_hover="#12578D",
        button_primary_background_fill_dark="#1668A8",
        button_primary_background_fill_hover_dark="#2A7DBF",
        button_primary_text_color="#FFFFFF",
        button_primary_text_color_dark="#FFFFFF",
        block_background_fill_dark="#151C24",
        block_label_background_fill_dark="#1A222B",
        input_background_fill_dark="#1A222B",
        background_fill_secondary_dark="#1A222B",
        border_color_primary_dark="#2B3642",
        block_border_color_dark="#2B3642",
        color_accent="#1668A8",
        block_info_text_color="#56616D",
        block_info_text_color_dark="#A3AFBA",
        checkbox_background_color_selected="#1668A8",
        checkbox_background_color_selected_dark="#2A7DBF",
        slider_color="#1668A8",
        slider_color_dark="#4FA8DE",
    )
