"""What is to be learned and what is right. Knows no model."""
