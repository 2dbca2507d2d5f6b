"""What cinempc does, as functions: typed options in, results out.

The command line, the tests and a user's own script call the same functions. This is the only
place where perception and the simulator meet cinempc.
"""
