"""What a model knows and how fast it is. Grades anything that continues text; knows no training."""
