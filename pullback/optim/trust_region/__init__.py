"""Parts of the trust-region methods: solvers of the sub-problem, a file each, and the rule for the radius."""

from pullback.optim.trust_region.cauchy import cauchy_point as cauchy_point
from pullback.optim.trust_region.dogleg import dogleg_step as dogleg_step
from pullback.optim.trust_region.exact import exact_step as exact_step
from pullback.optim.trust_region.radius import RadiusRule as RadiusRule
from pullback.optim.trust_region.solution import SubproblemSolution as SubproblemSolution
from pullback.optim.trust_region.steihaug import steihaug_step as steihaug_step
