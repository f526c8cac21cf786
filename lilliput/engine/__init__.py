"""Models decoded in C: a flat weight file made of a model file, and the library that reads it."""
