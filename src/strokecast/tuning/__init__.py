"""The search for hyperparameters by `strokecast tune`: space, trials, study. The only room that imports optuna."""
