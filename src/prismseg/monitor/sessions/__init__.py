"""Sessions of the ward: captures, their measurement, what is kept of them."""
