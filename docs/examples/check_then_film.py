"""Looks at what every shipped script will ask of the rig, and films a second of those that are
calm: a script is data, so that a program can choose, change and film it.

    python docs/examples/check_then_film.py
"""

from dataclasses import replace

import cinempc

for name in ("follow", "orbit", "dolly_zoom"):
    try:
        result = cinempc.check(name)
    except cinempc.CinempcError as error:  # says file, line and what would be right
        print(error)
        continue
    fastest = max(shot.speed for shot in result.shots)
    print(f"{name}: {len(result.shots)} shots, the camera moves at up to {fastest:.1f} m/s")
    for warning in result.warnings:
        print(f"  warning: {warning}")
    if fastest > 2.0:
        continue
    # The same script, cut after the first second of its first shot.
    config = result.script.config
    short = config.shots[0].model_copy(update={"duration": 1.0})
    script = replace(result.script, config=config.model_copy(update={"shots": (short,)}))
    take = cinempc.film(script, pictures=False, standby=0.5)
    print(f"  its first second: {take.metrics.overall.framing_error_pct.rms:.2f} % off (rms)")
