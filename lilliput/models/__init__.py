"""What learns a task: one whole file a family; knows no task, no training and no exam."""
