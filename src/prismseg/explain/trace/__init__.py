"""One forward pass, recorded: layers, activations, the graph of the network."""
