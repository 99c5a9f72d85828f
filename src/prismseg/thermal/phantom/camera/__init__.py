"""From the temperatures of a scene to those that a camera measures and the grey image that it exports."""
