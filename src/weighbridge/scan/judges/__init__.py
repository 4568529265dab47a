"""One file a judge: which bytes it recognises, what it finds in them. See the package above for what a judge is."""
