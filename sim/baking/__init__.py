"""How the bodies of `sim.scenery.bodies` were made; not part of the installed package."""
