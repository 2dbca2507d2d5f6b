"""The command line: one thin file a command, over one function in `cinempc.app`.

What a command needs is imported where it is used, so that ``cinempc --help`` answers at once.
"""

import logging

# It works without its cache, and where that cannot be written is no matter of whoever films.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
