"""Sweeps: many experiments that differ in numbers, trained as members of few compiled programs."""

from pullback.train.sweeps.members import Member as Member
from pullback.train.sweeps.members import build_members as build_members
from pullback.train.sweeps.sweep import Sweep as Sweep
from pullback.train.sweeps.sweep import SweepMember as SweepMember
from pullback.train.sweeps.sweep import resume_sweep as resume_sweep
from pullback.train.sweeps.sweep import sweep as sweep
