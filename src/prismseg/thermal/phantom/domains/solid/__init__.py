"""Three-dimensional feet, legs and bodies of spheres, seen by a pinhole camera."""
