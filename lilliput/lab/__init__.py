"""Joins the rooms: the verbs, by the command line and by Python."""

from lilliput.lab.answering import Model
from lilliput.lab.load import load
from lilliput.lab.verbs import data, find, grade, sample, train

__all__ = ["Model", "data", "find", "grade", "load", "sample", "train"]
