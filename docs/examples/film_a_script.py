"""Films the shipped dolly zoom, and says how well the picture kept to what was asked.

python docs/examples/film_a_script.py                 # takes/dolly_zoom-TIME
python docs/examples/film_a_script.py my_script.yaml
"""

import sys

import cinempc

script = sys.argv[1] if len(sys.argv) > 1 else "dolly_zoom"
# A picture is rendered for each frame: leave `pictures` away and open footage.mp4 afterwards.
take = cinempc.film(script, seed=3, perception="truth", pictures=False, report=True)

for shot in take.metrics.shots:
    framing, scale = shot.framing_error_pct, shot.scale_error_pct
    print(f"{shot.name}, {shot.start_s:g}-{shot.end_s:g} s, {shot.move}:")
    print(f"  the subject is {framing.rms:.2f} % of the picture's width off its place (rms)")
    if scale.p95 is not None:
        print(f"  and its size is within {scale.p95:.2f} % of what was asked (95th percentile)")
print(f"The whole report: {take.files.report}")
