"""The correct page: labels judged, reviewed one by one, drawn anew, and put to use."""
