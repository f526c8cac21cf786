"""Figures of speed and size, against something measured in the same run where there is some."""
