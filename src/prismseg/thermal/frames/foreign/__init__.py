"""Files of thermal cameras that are not read: what they are, and how their owner gets °C out of them."""
