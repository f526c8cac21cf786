"""How a model leaves: as one C file, as a program, in others' forms."""
