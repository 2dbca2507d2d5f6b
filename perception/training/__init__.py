"""How the weights that ship are made: rendered data, training, figures."""
