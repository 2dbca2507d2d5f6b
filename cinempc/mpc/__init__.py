"""The optimal control problem of the picture: model, objectives, constraints, controller."""

import casadi as _ca

# numpy functions of CasADi symbols give CasADi symbols, silently: the optics and geometry are
# written once, for numbers and symbols (releases before 3.8 do so by themselves).
if hasattr(_ca.GlobalOptions, "setNumpyMode"):
    _ca.GlobalOptions.setNumpyMode(-1)
