"""Radiometric JPEGs of FLIR cameras: container, reader, writer."""
