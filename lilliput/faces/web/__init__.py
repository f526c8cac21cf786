"""The web page: models that run in the visitor's browser."""
