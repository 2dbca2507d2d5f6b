"""What each function of this layer can be asked: immutable objects with defaults, units and ranges.

A command of the command line has the same options, with the same defaults and descriptions. These
modules import nothing that takes long, so that ``cinempc --help`` answers at once.
"""
