from prismseg.inference.disagreement import Disagreement as Disagreement
from prismseg.inference.disagreement import disagreement as disagreement
from prismseg.inference.files import PredictionReport as PredictionReport
from prismseg.inference.files import predict_files as predict_files
from prismseg.inference.postprocess import POSTPROCESSORS as POSTPROCESSORS
from prismseg.inference.predictor import Prediction as Prediction
from prismseg.inference.predictor import Predictor as Predictor
