"""Pictures of minimizations, by matplotlib: the path on the map of the function, the courses of several methods."""

from pullback.explain.figures.landscape import landscape as landscape
from pullback.explain.figures.trace_figure import trace_figure as trace_figure
