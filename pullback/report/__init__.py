"""Run folders as figures and documents."""

from pullback.report.document import write as write
from pullback.report.run_folder import RunFolder as RunFolder
from pullback.report.run_folder import read_run_folder as read_run_folder
