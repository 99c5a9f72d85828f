"""Mean temperatures of soles and regions, and their standard errors: noise, contour, borders, what is not seen."""
