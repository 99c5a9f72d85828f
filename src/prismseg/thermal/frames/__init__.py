"""Radiometric frames in degrees Celsius: readers, radiometry, what cameras write."""
