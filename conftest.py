"""What holds for every test, and for the Jupyter kernels that nbval starts: they inherit the environment."""

import os

# The notebooks were written with static pictures and the simulated GPU; a test compares with those.
os.environ.setdefault("GPU_LESSONS_DISPLAY", "static")
os.environ.setdefault("GPU_LESSONS_GPU", "simulated")
