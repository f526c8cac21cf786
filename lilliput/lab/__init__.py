"""Joins the rooms: the verbs, by the command line and by Python."""

from lilliput.lab.answering import Model
from lilliput.lab.load import load
from lilliput.lab.verbs import find, grade, train
from lilliput.lab.writing import data, sample

__all__ = ["Model", "data", "find", "grade", "load", "sample", "train"]
