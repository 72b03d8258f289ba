"""Estimators with scikit-learn's face: thin shells over pure fits."""
