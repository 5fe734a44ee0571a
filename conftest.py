"""What holds for every test, and for the Jupyter kernels that nbval starts: they inherit the environment."""

import os

# The notebooks were written with static pictures; a test compares with those.
os.environ.setdefault("GPU_LESSONS_DISPLAY", "static")
# Without it Jupyter warns that its folders will move, and a warning is an error here.
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")
