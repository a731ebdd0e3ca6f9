import numpy as np
def forest_votes(values): return np.zeros_like(values)
