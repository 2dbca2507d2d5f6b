"""How good perception is, measured on sequences whose truth is known."""
