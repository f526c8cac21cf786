"""What others made, as models that the exam reads like ours; knows no exam, no training."""
