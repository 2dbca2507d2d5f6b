from cinempc.app.check import check as check
from cinempc.app.film.film import TakeResult as TakeResult
from cinempc.app.film.film import film as film
from cinempc.app.fly import fly as fly
from cinempc.app.identify import identify as identify
from cinempc.app.options.perception import PerceiveOptions as PerceiveOptions
from cinempc.app.options.perception import SequenceOptions as SequenceOptions
from cinempc.app.options.takes import FilmOptions as FilmOptions
from cinempc.app.options.takes import FlyOptions as FlyOptions
from cinempc.app.options.takes import IdentifyOptions as IdentifyOptions
from cinempc.app.perceive.perceive import perceive as perceive
from cinempc.app.progress import Progress as Progress
from cinempc.app.progress import Stopped as Stopped
from cinempc.app.script import load_script as load_script
from cinempc.app.sequence import sequence as sequence
from cinempc.errors import CinempcError as CinempcError

__version__: str
