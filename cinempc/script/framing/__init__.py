"""How a picture is framed: terms of the trade, composition, parts of the picture."""
