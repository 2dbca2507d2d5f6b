"""Films a script with other winds and other detections each time, and prints how the figures vary.

Without pictures a take of twelve seconds is done in a few. Files go to takes/sweep/SEED.

    python docs/examples/sweep_seeds.py orbit 8
"""

import statistics
import sys

import cinempc

name = sys.argv[1] if len(sys.argv) > 1 else "dolly_zoom"
count = int(sys.argv[2]) if len(sys.argv) > 2 else 4
script = cinempc.load_script(name)  # read and checked once
options = cinempc.FilmOptions(pictures=False)

errors = []
print("seed  framing error  in focus")
for seed in range(count):
    take = cinempc.film(script, options, seed=seed, folder=f"takes/sweep/{seed}")
    overall = take.metrics.overall
    errors.append(overall.framing_error_pct.rms)
    print(f"{seed:4}  {errors[-1]:11.2f} %  {overall.in_focus_pct:6.1f} %")
print(f"mean  {statistics.mean(errors):11.2f} %")
