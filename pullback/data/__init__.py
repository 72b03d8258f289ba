"""Data sets in memory: sources, splits, order, preprocessing and augmentation."""

from pullback.data import synthetic as synthetic
from pullback.data.augment import Compose as Compose
from pullback.data.augment import HorizontalFlip as HorizontalFlip
from pullback.data.augment import RandomCrop as RandomCrop
from pullback.data.augment import Shift as Shift
from pullback.data.bundled import BUNDLED as BUNDLED
from pullback.data.bundled import load as load
from pullback.data.classic import CLASSIC as CLASSIC
from pullback.data.content_hash import sha256 as sha256
from pullback.data.dataset import Dataset as Dataset
from pullback.data.download import ProgressLine as ProgressLine
from pullback.data.epoch_order import epoch_order as epoch_order
from pullback.data.preprocessing import PREPROCESSINGS as PREPROCESSINGS
from pullback.data.preprocessing import preprocessing_from_json as preprocessing_from_json
from pullback.data.idx import read_idx as read_idx
from pullback.data.split import split as split
from pullback.data.standardize import Standardize as Standardize
from pullback.data.table import Table as Table
from pullback.data.table import table as table
from pullback.data.table_column import Column as Column
from pullback.data.table_preprocessing import TablePreprocessing as TablePreprocessing
from pullback.data.table_split import split_by_group as split_by_group
from pullback.data.table_split import split_by_time as split_by_time
from pullback.data.table_warnings import table_warnings as table_warnings
