"""Run folders as figures and documents."""

from pullback.report.document import write as write
from pullback.report.document import write_comparison as write_comparison
from pullback.report.folder_reader import read_run_folder as read_run_folder
from pullback.report.run_folder import RunFolder as RunFolder
