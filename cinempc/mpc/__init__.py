"""The optimal control problem of the picture: model, objectives, constraints, controller."""
