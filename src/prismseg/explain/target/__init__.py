"""What is explained: the logits of a network, the regions they are taken over, and the score of a class."""
