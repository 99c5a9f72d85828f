"""What a number was made from: the code that is imported for it, and the machine."""
