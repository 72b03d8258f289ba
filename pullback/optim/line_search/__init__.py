"""Line searches, a file each; every one is a frozen dataclass of options with `search`."""

from pullback.optim.line_search.search import LineSearch as LineSearch
from pullback.optim.line_search.search import Searched as Searched
from pullback.optim.line_search.wolfe import Wolfe as Wolfe
