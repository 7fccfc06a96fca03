"""What ``bp predict`` does, with scikit-learn and pandas: table in, classes and probabilities out.

Run as ``predict.py MODEL TABLE OUTPUT``.
"""

import sys

import joblib
import numpy as np
import pandas as pd

model = joblib.load(sys.argv[1])
features = pd.read_csv(sys.argv[2], dtype=np.float32)
p = model.predict_proba(features.to_numpy())
result = pd.DataFrame(p, columns=[f"p_{name}" for name in model.classes_])
result.insert(0, "prediction", model.classes_[p.argmax(axis=1)])
result.to_csv(sys.argv[3], index=False)
