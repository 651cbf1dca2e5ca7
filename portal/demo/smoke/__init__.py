"""`make smoke`: the main job, driven as its users drive it: with a browser's requests and the command line."""
