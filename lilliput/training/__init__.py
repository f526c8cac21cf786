"""How a model learns: batches, optimizer, loop, checkpoints. Knows the exam, not the search."""
