"""Line searches, a file each; every one is a frozen dataclass of options with `search`."""

from pullback.optim.line_search.backtracking import Backtracking as Backtracking
from pullback.optim.line_search.barzilai_borwein import BarzilaiBorwein as BarzilaiBorwein
from pullback.optim.line_search.brent import Brent as Brent
from pullback.optim.line_search.exact import Exact as Exact
from pullback.optim.line_search.golden_section import GoldenSection as GoldenSection
from pullback.optim.line_search.goldstein import Goldstein as Goldstein
from pullback.optim.line_search.hager_zhang import HagerZhang as HagerZhang
from pullback.optim.line_search.search import LineSearch as LineSearch
from pullback.optim.line_search.search import Searched as Searched
from pullback.optim.line_search.wolfe import Wolfe as Wolfe
