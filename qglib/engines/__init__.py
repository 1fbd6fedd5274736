"""What makes the library fast; notebooks and users do not import it."""
