"""Data: browse data sets, measure and export them, create phantom radiographs, import annotated images."""

from lab.data.agreement import show_agreement
from lab.data.export import export_view
from lab.data.forms import import_form, phantom_form
from lab.data.gallery import gallery
from lab.data.manage import KINDS, manage_view
from lab.data.statistics import show_statistics
from lab.ui.damage_notes import show_damage
from lab.ui.navigation import page_frame
from lab.ui.trash import show_trash, show_undo
from lab.ui.widgets import load_dataset, pick_dataset, pick_view, show_note, shown_errors

VIEWS = {
    "browse": "Browse",
    "statistics": "Statistics",
    "agreement": "Two label sets",
    "export": "Export",
    "manage": "Manage",
    "import": "Import",
    "phantom": "Create phantom",
}


page_frame(
    "Data", "Radiographs and their outlines: what methods learn from, and the clean labels that judge them."
)
show_note()
show_damage("data")
show_undo()
view = pick_view("view", "View", list(VIEWS), VIEWS.__getitem__, "Browse what is there, or add to it.")
if view == "phantom":
    phantom_form()
elif view == "import":
    import_form()
else:
    with shown_errors():
        name = pick_dataset()
        if name is not None:
            chosen = load_dataset(name)
            shown = {
                "statistics": show_statistics,
                "agreement": show_agreement,
                "export": export_view,
                "manage": manage_view,
            }
            shown.get(view, gallery)(chosen)
        else:
            show_trash(KINDS)
