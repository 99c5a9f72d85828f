"""What the thermal application adds to the library's registries; imports nothing heavy."""
