"""Where the evidence of each class lies in each layer: activation maps, measures, atlases, reports."""
