"""The data page: import, gallery, statistics, two label sets side by side, export."""
