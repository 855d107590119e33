"""What the compliance level says to what was measured: pass, fail or cannot tell, threshold by threshold."""
