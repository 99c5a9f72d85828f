"""Tables, figures and the page of an explanation."""
