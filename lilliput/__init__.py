"""Lilliput finds the smallest language model that can still do a job."""
