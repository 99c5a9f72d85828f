"""Feet of superellipses; one temperature level a part; a bare scene of bands and round limbs."""
