"""Methods that turn activations and gradients into activation maps."""
