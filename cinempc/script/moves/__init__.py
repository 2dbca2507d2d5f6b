"""The moves that a shot can make, a file each; `cinempc.script.moves.registry` collects them.

A new move is one file here: a `cinempc.script.moves.move.Move` with a ``kind``, its fields, its
curves, its weights, its mistakes, and what it does in its docstring. Nothing else has to know of
it: `cinempc check --moves` lists it, and a script can name it.
"""
