"""Tables in the terminal, a module a room."""
