"""The network for thermal feet: segmentation of frames, training on phantoms."""
