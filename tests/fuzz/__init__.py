"""What is fed with garbage: seeds, targets that hold the promises, and what was found with them."""
