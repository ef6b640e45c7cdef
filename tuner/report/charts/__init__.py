"""How is a picture drawn as SVG, without a plotting library? Scales, frames, curves, and rows of dots."""
