"""Study of random features before a classifier on Fashion-MNIST."""
