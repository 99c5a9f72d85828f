"""From a mask to two soles: pieces, sides, registration to the template, nerve territories."""
