"""From any layout to those that other tools read."""
