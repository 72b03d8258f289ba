"""Data sets in memory: sources, splits, order, preprocessing and augmentation."""

from pullback.data.augment import Compose as Compose
from pullback.data.augment import HorizontalFlip as HorizontalFlip
from pullback.data.augment import RandomCrop as RandomCrop
from pullback.data.augment import Shift as Shift
from pullback.data.bundled import BUNDLED as BUNDLED
from pullback.data.bundled import load as load
from pullback.data.content_hash import sha256 as sha256
from pullback.data.dataset import Dataset as Dataset
from pullback.data.epoch_order import epoch_order as epoch_order
from pullback.data.split import split as split
from pullback.data.standardize import Standardize as Standardize
