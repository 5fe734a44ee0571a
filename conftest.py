"""What holds for every test, and for the Jupyter kernels that nbval starts: they inherit the environment."""

import os

# The notebooks were written with static pictures; a test compares with those.
os.environ.setdefault("GPU_LESSONS_DISPLAY", "static")
