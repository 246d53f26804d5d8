"""Outlines as people drew them: kept, given back where nothing changed, drawn anew where something did."""
