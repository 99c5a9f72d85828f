"""Where the relevance of a map lies, and what masking it does to the prediction."""
