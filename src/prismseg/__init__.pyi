from prismseg.base import PrismsegError as PrismsegError
from prismseg.data import open_dataset as open_dataset
from prismseg.explain import Atlas as Atlas
from prismseg.features import CRFFg2d as CRFFg2d
from prismseg.features import RandomFourierFeatures as RandomFourierFeatures
from prismseg.features import check_criticality as check_criticality
from prismseg.inference import Predictor as Predictor
from prismseg.nets import create_classifier as create_classifier
from prismseg.nets import create_model as create_model
from prismseg.nets import enhance_skips as enhance_skips
from prismseg.nets import list_models as list_models
from prismseg.nets import load_model as load_model

__version__: str
