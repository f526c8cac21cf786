"""Joins the rooms: the verbs, by the command line and by Python (lilliput/__init__.py)."""
