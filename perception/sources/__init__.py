"""Where pictures come from: image files, a video, a camera, a network stream."""
