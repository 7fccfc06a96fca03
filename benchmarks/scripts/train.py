"""What ``bp train`` does on iris and digits, with scikit-learn: table in; model, metrics and test accuracy out.

Run as ``train.py iris|digits TABLE FOLDER``.
"""

import csv
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

SETTINGS = {
    "iris": {"hidden_layer_sizes": (8,), "activation": "tanh", "learning_rate_init": 0.01, "batch_size": 16},
    "digits": {"hidden_layer_sizes": (128, 64), "activation": "relu", "learning_rate_init": 0.005, "batch_size": 32},
}
EPOCHS = {"iris": 100, "digits": 20}
SCALERS = {"iris": StandardScaler, "digits": MinMaxScaler}

problem, table, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
folder.mkdir()
data = pd.read_csv(table)
X, y = data.iloc[:, :-1].to_numpy(np.float32), data.iloc[:, -1].to_numpy()
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
scaler = SCALERS[problem]()
model = MLPClassifier(
    **SETTINGS[problem], alpha=0, tol=0, n_iter_no_change=EPOCHS[problem] + 1, max_iter=1, random_state=0
)

if problem == "digits":  # validated after each epoch
    X_train, X_val, y_train, y_val = train_test_split(
        X_train, y_train, test_size=0.1 / 0.8, stratify=y_train, random_state=0
    )
    scaled, scaled_val = scaler.fit_transform(X_train), scaler.transform(X_val)
    classes, rows = np.unique(y), []
    for epoch in range(1, EPOCHS[problem] + 1):
        model.partial_fit(scaled, y_train, classes=classes)
        p = model.predict_proba(scaled_val)
        accuracy = np.mean(classes[p.argmax(axis=1)] == y_val)
        rows.append([epoch, model.loss_, log_loss(y_val, p, labels=classes), accuracy])
else:
    scaled = scaler.fit_transform(X_train)
    model.set_params(max_iter=EPOCHS[problem])
    model.fit(scaled, y_train)
    rows = [[epoch, loss] for epoch, loss in enumerate(model.loss_curve_, start=1)]

with (folder / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
    csv.writer(file).writerows(rows)
joblib.dump(make_pipeline(scaler, model), folder / "model.joblib")
print(np.mean(model.predict(scaler.transform(X_test)) == y_test))
