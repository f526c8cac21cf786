"""Figures of speed and size, each against something measured in the same run."""
